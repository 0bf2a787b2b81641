"""The sweeps of ``analysis/communities.py`` in columns, for a graph that is too large for one task.

A level's graph is ``source``, ``target``, ``weight``: every edge in both directions, a loop with twice the weight of
the edges inside its node. A half-sweep is one pass over the edges (a join and a grouping, both by node); what is kept
between passes is one row per node.
"""

from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from analysis.communities import decides_first, is_settled
from contracts.settings import CommunityRules


def cut_lineage(frame: DataFrame) -> DataFrame:
    """The frame with its rows materialised and without its plan: plans must not grow with the number of sweeps.

    The rows are stored in ``spark.checkpoint.dir``, if set; else on the executors, and then losing an executor fails
    the job. Its rerun gives the same table.
    """
    spark = frame.sparkSession
    reliable = spark.sparkContext.getCheckpointDir() is not None
    kept: Any = frame.checkpoint() if reliable else frame.localCheckpoint()
    # A checkpoint keeps the size estimate of its plan, and a join multiplies those of its sides: the digits of the
    # estimate would double with every sweep. A frame made of the checkpoint's rows alone has no estimate.
    session: Any = spark
    rows, schema = kept._jdf.queryExecution().toRdd(), kept._jdf.schema()
    return DataFrame(session._jsparkSession.internalCreateDataFrame(rows, schema, False), spark)  # noqa: FBT003


def move_nodes(graph: DataFrame, rules: CommunityRules) -> DataFrame:
    """Community of each node of a level after its sweeps, named by its smallest node; grain: node."""
    degrees = graph.groupBy(F.col("source").alias("node")).agg(F.sum("weight").alias("degree"))
    nodes = cut_lineage(degrees.withColumn("community", F.col("node")))
    sizes = nodes.agg(F.count("*").alias("num_nodes"), F.sum("degree").alias("twice_edges")).first()
    assert sizes is not None
    for sweep in range(rules.max_sweeps):
        first = decides_first(F.col("node"), sweep)
        before = nodes
        for deciding in (first, ~first):
            nodes = cut_lineage(best_moves(graph, nodes, deciding, sizes.twice_edges))
        moved = nodes.alias("now").join(before.alias("before"), "node", "inner")
        if is_settled(moved.where("now.community != before.community").count(), sizes.num_nodes, rules):
            break
    smallest = nodes.groupBy("community").agg(F.min("node").alias("smallest"))
    return nodes.join(smallest, "community", "inner").select("node", F.col("smallest").alias("community"))


def best_moves(graph: DataFrame, nodes: DataFrame, deciding: Column, twice_edges: int) -> DataFrame:
    """``nodes`` (node, degree, community) after each deciding node has moved to the community of the largest gain.

    Gains are doubles of sums of longs: exact while products are below 2^53, and rounded in the same way above it.
    """
    totals = nodes.groupBy("community").agg(F.sum("degree").alias("total"), F.count("*").alias("size"))
    placed = nodes.join(totals, "community", "inner")
    ends = placed.select(F.col("node").alias("target"), "community", "total", "size")
    own = {"community": "own", "total": "own_total", "size": "own_size"}
    movers = placed.where(deciding).withColumnsRenamed(own)
    edges = graph.where(F.col("source") != F.col("target")).withColumnRenamed("source", "node").where(deciding)
    neighbours = (
        edges.join(ends, "target", "inner")
        .groupBy("node", "community")
        .agg(F.sum("weight").alias("shared"), F.first("total").alias("total"), F.first("size").alias("size"))
    )

    def gain(shared: Column, total: Column) -> Column:
        return shared.cast("double") * F.lit(float(twice_edges)) - F.col("degree").cast("double") * total.cast("double")

    is_own = F.col("community") == F.col("own")
    option = F.struct((-gain(F.col("shared"), F.col("total"))).alias("loss"), "community", "size")
    options = neighbours.join(movers, "node", "inner").groupBy("node", "own", "own_size", "own_total", "degree")
    best = options.agg(
        F.min(F.when(~is_own, option)).alias("best"),
        F.coalesce(F.max(F.when(is_own, F.col("shared"))), F.lit(0)).alias("own_shared"),
    )
    is_better = -F.col("best.loss") > gain(F.col("own_shared"), F.col("own_total") - F.col("degree"))
    swap = (F.col("own_size") == 1) & (F.col("best.size") == 1) & (F.col("best.community") > F.col("own"))
    moves = best.where(is_better & ~swap).select("node", F.col("best.community").alias("moved"))
    moved = nodes.join(moves, "node", "left")
    return moved.select("node", "degree", F.coalesce("moved", "community").alias("community"))


def merge_nodes(graph: DataFrame, nodes: DataFrame) -> DataFrame:
    """The next level's graph: communities as nodes, parallel edges summed."""
    source = nodes.select(F.col("node").alias("source"), F.col("community").alias("new_source"))
    target = nodes.select(F.col("node").alias("target"), F.col("community").alias("new_target"))
    return (
        graph.join(source, "source", "inner")
        .join(target, "target", "inner")
        .groupBy(F.col("new_source").alias("source"), F.col("new_target").alias("target"))
        .agg(F.sum("weight").alias("weight"))
    )
