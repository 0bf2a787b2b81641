"""gold.post_features: features of every post of the candidate window as of the end of a day."""

from datetime import date, datetime, timedelta

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from contracts.features import names_of
from contracts.settings import Settings
from spark_jobs.night.night import Night
from spark_jobs.night.writers import write_partition
from spark_jobs.rules.counters import COUNTERS, WEIGHED, counters_before, post_events
from spark_jobs.rules.post_columns import complete_posts, describe_posts
from spark_jobs.rules.post_versions import all_versions, is_gone_before, is_version_before, with_deletions

TABLE = "gold.post_features"


def transform(
    *,
    posts: DataFrame,
    edits: DataFrame,
    impressions: DataFrame,
    engagements: DataFrame,
    user_features: DataFrame,
    contents: DataFrame,
    ds: date,
    as_of: datetime,
    settings: Settings,
) -> DataFrame:
    """Features of the posts created in the candidate window and not deleted before ``as_of``; grain: post_id, ds."""
    oldest = as_of - timedelta(hours=settings.dataset.candidate_hours)
    live = live_versions(posts, edits, oldest, as_of)
    # A post has no event from before it was created, so older partitions need not be read.
    recent = [log.where(F.col("event_date") >= F.lit(oldest.date())) for log in (impressions, engagements)]
    counters = counters_before(post_events(recent[0], recent[1]), as_of)
    points = describe_posts(live).join(counters, "post_id", "left").fillna(0, [*COUNTERS, *WEIGHED])
    points = points.withColumn("instant", F.lit(as_of))
    # A text is not read before the night of the day on which it was written.
    contents = contents.where(F.col("ds").between(F.lit(oldest.date()), F.lit(ds)))
    completed = complete_posts(points, user_features, contents, settings.smoothing)
    return completed.select("post_id", "author_id", *names_of("post"), *WEIGHED, F.lit(ds).alias("ds"))


def live_versions(posts: DataFrame, edits: DataFrame, oldest: datetime, as_of: datetime) -> DataFrame:
    """Posts created in [``oldest``, ``as_of``) and not known to be deleted before it, in the version seen then."""
    midnight = F.lit(as_of)
    created = (F.col("created_at") >= F.lit(oldest)) & (F.col("created_at") < midnight)
    versions = all_versions(posts, edits).where(created & is_version_before(midnight))
    return with_deletions(versions, posts).where(~is_gone_before(midnight))


def main(night: Night) -> None:
    """Build the night's partition."""
    frame = transform(
        posts=night.read("silver.posts"),
        edits=night.read("silver.post_edits"),
        impressions=night.read("silver.impressions"),
        engagements=night.read("silver.engagements"),
        user_features=night.read("gold.user_features").where(F.col("ds") == F.lit(night.ds)),
        contents=night.read("gold.content_embeddings"),
        ds=night.ds,
        as_of=night.as_of,
        settings=night.settings,
    )
    write_partition(night.lake, TABLE, frame, [night.ds])
