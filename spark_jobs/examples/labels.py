"""Labels: what the user did with an exposure before its label window closed."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import Window as Frame
from pyspark.sql import functions as F

from contracts.heads import BINARY_HEADS, HEADS
from contracts.landing import TAKEN_BACK_BY
from spark_jobs.examples.window import Window
from spark_jobs.rules.counters import organic


def attributable(engagements: DataFrame, window: Window) -> DataFrame:
    """Organic engagements of users that an exposure of the window can have led to, received by the as-of."""
    late_enough = F.col("user_id").isNotNull() & (F.col("event_date") >= F.lit(window.first))
    return window.received(organic(engagements).where(late_enough), "engaged_at")


def attribute(shown: DataFrame, engagements: DataFrame) -> DataFrame:
    """Engagements with the ``example_id`` of their exposure, null if there is none.

    It is the impression that the client named, else the latest exposure of the same user and post at or before it.
    ``shown`` has example_id, user_id, post_id, shown_at.
    """
    exposed = shown.select(
        "user_id",
        "post_id",
        F.col("shown_at").alias("at"),
        F.lit(0).alias("is_act"),
        F.col("example_id").alias("id"),
    )
    acts = engagements.select(
        "user_id",
        "post_id",
        F.col("engaged_at").alias("at"),
        F.lit(1).alias("is_act"),
        F.col("engagement_id").alias("id"),
        "engagement_type",
        "dwell_ms",
        "impression_id",
    )
    earlier = (
        Frame.partitionBy("user_id", "post_id")
        .orderBy("at", "is_act", "id")
        .rowsBetween(Frame.unboundedPreceding, Frame.currentRow)
    )
    latest = F.last(F.when(F.col("is_act") == 0, F.col("id")), ignorenulls=True).over(earlier)
    placed = exposed.unionByName(acts, allowMissingColumns=True).withColumn("latest", latest)
    return placed.where(F.col("is_act") == 1).select(
        F.coalesce("impression_id", "latest").alias("example_id"),
        "user_id",
        "post_id",
        F.col("at").alias("engaged_at"),
        "engagement_type",
        "dwell_ms",
    )


def mature_labels(exposures: DataFrame, attributed: DataFrame, window: Window) -> DataFrame:
    """Labels of the exposures with any engagement: example_id and one FLOAT per head.

    An action counts when it happened in [shown_at, shown_at + attribution window) and was not taken back in it. Dwell
    is the longest one logged in its own, shorter window, at most as long as that window, as log1p of seconds.
    """
    joined = _with_exposure(attributed, exposures)
    kind = F.col("engagement_type")
    dwelt = (kind == "dwell") & _within(window.dwell_hours)
    dwell_ms = F.least(F.greatest(F.col("dwell_ms"), F.lit(0)), F.lit(window.dwell_hours * 3_600_000))
    longest = F.log1p(F.max(F.when(dwelt, dwell_ms).otherwise(0)) / F.lit(1000.0))
    in_time = _within(window.attribution_hours)
    labels = {name: F.when(_holds(name, in_time), 1.0).otherwise(0.0) for name in BINARY_HEADS} | {"dwell": longest}
    return joined.groupBy("example_id").agg(
        *(labels[head.name].cast("float").alias(head.label_column) for head in HEADS)
    )


def _holds(action: str, is_within: Column) -> Column:
    """Whether an exposure led to ``action``, over its rows: of comments one is left, anything else was done last."""
    kind, at = F.col("engagement_type"), F.col("engaged_at")
    did, undid = (kind == action) & is_within, (kind == F.lit(TAKEN_BACK_BY.get(action))) & is_within
    if action == "comment":
        return F.count_if(did) > F.count_if(undid)
    last_did, last_undid = F.max(F.when(did, at)), F.max(F.when(undid, at))
    return last_did.isNotNull() & (last_undid.isNull() | (last_did > last_undid))


def engaged_examples(exposures: DataFrame, attributed: DataFrame, window: Window) -> DataFrame:
    """``example_id`` of each exposure with one of ``attributed`` within the attribution window."""
    joined = _with_exposure(attributed, exposures)
    return joined.where(_within(window.attribution_hours)).select("example_id").distinct()


def _with_exposure(attributed: DataFrame, exposures: DataFrame) -> DataFrame:
    keys = ["example_id", "user_id", "post_id"]
    return attributed.join(exposures.select(*keys, "shown_at"), keys, "inner")


def _within(hours: int) -> Column:
    closes = F.col("shown_at") + F.make_interval(hours=F.lit(hours))
    return (F.col("engaged_at") >= F.col("shown_at")) & (F.col("engaged_at") < closes)
