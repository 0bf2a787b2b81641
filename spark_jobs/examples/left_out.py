"""Count exposures that do not become training examples, because their post was unknown at their instant."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_jobs.examples.exposures import first_engagements
from spark_jobs.examples.window import Window
from spark_jobs.night.night import Night
from spark_jobs.rules.counters import organic
from spark_jobs.rules.post_versions import all_versions, is_version_at


def left_out(night: Night, window: Window) -> list[str]:
    """A sentence on the exposures of the window that are left out; empty if every exposure becomes an example."""
    impressions, engagements = night.read("silver.impressions"), night.read("silver.engagements")
    if night.settings.dataset.has_impressions:
        days = F.col("event_date").between(F.lit(window.first), F.lit(window.last))
        shown = window.received(organic(impressions).where(days), "shown_at")
        what, exposures = "impressions", shown.where(window.holds("shown_at"))
    else:
        known = window.received(organic(engagements), "engaged_at").where(F.col("user_id").isNotNull())
        what, exposures = "engagements", first_engagements(known, window)
    versions = all_versions(night.read("silver.posts"), night.read("silver.post_edits"))
    row = count_left_out(exposures, versions).first()
    assert row is not None, "an aggregate without groups has one row"
    if not row.num_unknown + row.num_early:
        return []
    share = f"{row.num_unknown + row.num_early:,} of {row.num_exposures:,} {what} are no examples"
    why = f"{row.num_unknown:,} came before their post had been made and received"
    return [f"{share}: {why}, {row.num_early:,} before its created_at"]


def count_left_out(exposures: DataFrame, versions: DataFrame) -> DataFrame:
    """One row: num_exposures, num_unknown (no version of the post could be seen) and num_early (not yet created).

    ``exposures`` has post_id and shown_at, ``versions`` are ``post_versions.all_versions``. The rule is that of
    ``training_examples.describe_points``, which keeps the other exposures.
    """
    seen = versions.select(F.col("post_id").alias("_post_id"), "created_at", "visible_from", "visible_until")
    is_same_post = F.col("post_id") == F.col("_post_id")
    joined = exposures.select("post_id", "shown_at").join(seen, is_same_post & is_version_at("shown_at"), "left")
    return joined.agg(
        F.count("*").alias("num_exposures"),
        F.count_if(F.col("_post_id").isNull()).alias("num_unknown"),
        F.count_if(F.col("created_at") > F.col("shown_at")).alias("num_early"),
    )
