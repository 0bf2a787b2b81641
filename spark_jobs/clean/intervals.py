"""Intervals of graph edges: the logic of the four edge tables.

Two types of events make an edge: one opens it, one closes it. An opening starts an interval that ends at the next
event of the pair. So a repeated opening splits an interval without changing what is covered, and intervals of a pair
never overlap. If both happen at the same instant, the opening counts. A closing without an open interval is kept as an
interval of no length. So no event is lost: intervals depend on the *set* of events only, and late or unordered events
give the same rows.

The end of an interval is known once *any* later event of its pair is: a user who unfriended and befriended somebody
again is a friend, even if the unfriending has not arrived. ``end_known_at`` is when the end became known, so that a
snapshot sees what was known by its midnight and counts a pair once.
"""

from dataclasses import dataclass

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from spark_jobs.clean.changes import changed_rows
from spark_jobs.clean.news import typed_news
from spark_jobs.clean.references import Reference, check, merge_accepted, refuse_where
from spark_jobs.night.night import Night


@dataclass(frozen=True)
class Edge:
    """An edge table from ``user_id`` to ``other``, a key of ``others``; ``reason`` is the refusal if it is unknown.

    A symmetric edge is stored in both directions. An interval has the ``carried`` columns of the event that opened it;
    if several did at the same instant, the greatest value.
    """

    table: str
    other: str
    opened_by: str
    closed_by: str
    others: str = "silver.users"
    others_key: str = "user_id"
    reason: str = "unknown_user"
    is_symmetric: bool = False
    carried: tuple[str, ...] = ()


def transform(events: DataFrame, existing: DataFrame, edge: Edge) -> DataFrame:
    """All intervals of the pairs that ``events`` (typed, both types of the edge) name; ``existing`` is the table.

    Grain: user_id, ``edge.other``, valid_from.
    """
    pair = ["user_id", edge.other]
    opens = F.col("event_type") == edge.opened_by
    carried = list(edge.carried)
    edge_events = events.select(*pair, F.col("event_time").alias("at"), opens.alias("opens"), "received_at", *carried)
    if edge.is_symmetric:
        swapped = {"user_id": F.col(edge.other), edge.other: F.col("user_id")}
        edge_events = edge_events.unionByName(edge_events.withColumns(swapped))
    affected = existing.join(edge_events.select(*pair).distinct(), on=pair, how="left_semi")
    lasts = F.col("valid_to").isNull() | (F.col("valid_to") > F.col("valid_from"))
    openings = affected.select(
        *pair,
        F.col("valid_from").alias("at"),
        lasts.alias("opens"),
        "received_at",
        F.coalesce("known_at", F.greatest("valid_from", "received_at")).alias("known_at"),
        *carried,
    )
    ended = affected.where(F.col("valid_to") > F.col("valid_from")).select(
        *pair,
        F.col("valid_to").alias("at"),
        F.lit(col=False).alias("opens"),
        F.col("end_known_at").alias("received_at"),
        F.col("end_known_at").alias("known_at"),
        *carried,
    )
    points = (
        edge_events.withColumn("known_at", F.greatest("at", "received_at")).unionByName(openings).unionByName(ended)
    )
    instants = points.groupBy(*pair, "at").agg(
        F.max("opens").alias("opens"),
        F.min(F.when(F.col("opens"), F.col("received_at"))).alias("opened"),
        F.min("received_at").alias("received_at"),
        F.min("known_at").alias("known_at"),
        *(F.max(F.when(F.col("opens"), F.col(name))).alias(name) for name in carried),
    )
    by_pair = Window.partitionBy(*pair).orderBy("at")
    later = by_pair.rowsBetween(1, Window.unboundedFollowing)
    intervals = instants.withColumns(
        {
            "valid_to": F.lead("at").over(by_pair),
            "end_known_at": F.min("known_at").over(later),
            "ends": F.lag("opens", default=False).over(by_pair),
        }
    )
    is_idle = ~F.col("opens")
    return intervals.where(F.col("opens") | ~F.col("ends")).select(
        *pair,
        F.col("at").alias("valid_from"),
        F.when(is_idle, F.col("at")).otherwise(F.col("valid_to")).alias("valid_to"),
        F.when(is_idle, F.col("known_at")).otherwise(F.col("end_known_at")).alias("end_known_at"),
        *carried,
        F.coalesce("opened", "received_at").alias("received_at"),
        "known_at",
    )


def build(night: Night, edge: Edge) -> None:
    """Recompute the pairs with new events; quarantine events with an unknown end or from a user to themselves."""
    users = night.read("silver.users").select("user_id")
    others = night.read(edge.others).select(edge.others_key)
    events = typed_news(night, edge.table, edge.opened_by, edge.closed_by)
    if events is None:
        return
    checked = check(events, [Reference("user_id", users, "unknown_user"), Reference(edge.other, others, edge.reason)])
    if edge.others == "silver.users":
        checked = refuse_where(checked, F.col("user_id") == F.col(edge.other), "self_edge", edge.other)
    existing = night.read(edge.table)

    def changed(kept: DataFrame) -> DataFrame:
        return changed_rows(transform(kept, existing, edge), existing, ["user_id", edge.other])

    merge_accepted(night, edge.table, checked, changed, update_when="true")
