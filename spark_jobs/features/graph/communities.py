"""gold.communities: communities of the friendship graph as of the end of a day (docs/communities.md)."""

from collections.abc import Sequence
from datetime import date

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from analysis.communities import louvain
from contracts.settings import CommunityRules
from spark_jobs.features.days import plan_days, record
from spark_jobs.features.graph.sweeps import cut_lineage, merge_nodes, move_nodes
from spark_jobs.features.interactions import edge_interval, stack
from spark_jobs.night.night import Night
from spark_jobs.night.writers import write_partition
from spark_jobs.rules.point_in_time import on_days, seen_day

TABLE = "gold.communities"
FOUND = "user_id BIGINT, community_id BIGINT, ds DATE"


def transform(*, users: DataFrame, friendships: DataFrame, days: Sequence[date], rules: CommunityRules) -> DataFrame:
    """Community of every user known, or befriended, at the end of each of ``days``; grain: user_id, ds.

    A graph of at most ``rules.one_task_edges`` edges is one task; a larger one is first reduced by sweeps over the
    whole cluster. Both ways take the same steps, so the limit changes the cost, not the result.
    """
    graphs = friendship_graphs(friendships, days)
    sizes = {row.ds: row["count"] for row in graphs.groupBy("ds").count().collect()}
    large = [day for day in days if sizes.get(day, 0) > rules.one_task_edges]
    small = graphs.where(F.col("ds").isin([day for day in days if day not in large]))
    communities = cut_lineage(stack([in_one_task(small, rules), *(in_sweeps(graphs, day, rules) for day in large)]))
    first_days = users.groupBy("user_id").agg(F.min(seen_day("valid_from", "received_at")).alias("from_day"))
    known = on_days(first_days.withColumn("until_day", F.lit(None).cast("date")), days)
    placed = known.join(communities, ["user_id", "ds"], "full")
    named = placed.select("user_id", F.coalesce("community_id", "user_id").alias("community_id"), "ds")
    sizes_of = named.groupBy("community_id", "ds").agg(F.count("*").alias("num_members"))
    return named.join(sizes_of, ["community_id", "ds"], "inner")


def friendship_graphs(friendships: DataFrame, days: Sequence[date]) -> DataFrame:
    """The graph of each of ``days``, every friendship in both directions: source, target, weight, ds."""
    edges = edge_interval(friendships, F.col("user_id").alias("source"), F.col("friend_id").alias("target"))
    between = edges.where(F.col("source") != F.col("target"))
    return on_days(between, days).distinct().withColumn("weight", F.lit(1).cast("bigint"))


def in_one_task(graphs: DataFrame, rules: CommunityRules) -> DataFrame:
    """Communities of whole graphs, each in the memory of one task; columns of ``FOUND``."""

    def find(graph: pa.Table) -> pa.Table:  # Spark reads the annotations, which a partial does not have
        return find_communities(rules, graph)

    return graphs.groupBy("ds").applyInArrow(find, FOUND)


def find_communities(rules: CommunityRules, graph: pa.Table) -> pa.Table:
    """Communities of one graph (source, target, weight and a single ds)."""
    source, target, weight = (graph.column(name).to_numpy() for name in ("source", "target", "weight"))
    users, communities = louvain(source, target, weight, rules)
    ds = pa.repeat(graph.column("ds")[0], len(users))
    return pa.table({"user_id": users, "community_id": communities, "ds": ds})


def in_sweeps(graphs: DataFrame, day: date, rules: CommunityRules) -> DataFrame:
    """Communities of a day's graph, level by level until the rest fits one task; columns of ``FOUND``."""
    graph = cut_lineage(graphs.where(F.col("ds") == F.lit(day)).drop("ds"))
    levels = []
    while graph.count() > rules.one_task_edges:
        nodes = cut_lineage(move_nodes(graph, rules))
        levels.append(nodes)
        if nodes.where("node != community").isEmpty():
            break
        graph = cut_lineage(merge_nodes(graph, nodes))
    else:
        rest = in_one_task(graph.withColumn("ds", F.lit(day)), rules)
        levels.append(rest.select(F.col("user_id").alias("node"), F.col("community_id").alias("community")))
    members = levels[0].withColumnsRenamed({"node": "user_id", "community": "node"})
    for nodes in levels[1:]:
        members = members.join(nodes, "node", "inner").select("user_id", F.col("community").alias("node"))
    return members.select("user_id", F.col("node").alias("community_id"), F.lit(day).alias("ds"))


def main(night: Night) -> None:
    """Build the night's partition, and earlier ones that are missing or touched, in one commit."""
    plan = plan_days(night, TABLE)
    days = plan.days
    frame = transform(
        users=night.read("silver.users"),
        friendships=night.read("silver.friendships"),
        days=days,
        rules=night.settings.communities,
    )
    write_partition(night.lake, TABLE, frame, days)
    record(night, plan)
