"""silver.posts and silver.post_edits as the clean stage writes them from landed events, without a lake."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from spark_jobs.clean import post_edits, posts
from spark_jobs.clean.typed_events import typed_events
from spark_jobs.night.lake import Lake
from spark_jobs.night.night import Night
from tests.landed import Event, bronze_rows, event
from tests.silver_rows import put, silver


def clean_posts(
    spark: SparkSession, events: Sequence[Event], known: tuple[DataFrame, DataFrame] | None = None
) -> tuple[DataFrame, DataFrame]:
    """The rows that a night's ``events`` make of ``known`` (silver.posts, silver.post_edits), of the posts named."""
    existing, edits = known or (silver(spark, "silver.posts"), silver(spark, "silver.post_edits"))
    landed = bronze_rows(spark, events)
    versions, deletions = typed_events(landed, "post_created", "post_updated"), typed_events(landed, "post_deleted")
    replaced = post_edits.transform(versions, existing, edits).localCheckpoint()
    # The night merges what was replaced before it moves the posts on.
    untouched = edits.join(replaced.select("post_id", "updated_at"), ["post_id", "updated_at"], "left_anti")
    now = untouched.select(*replaced.columns).unionByName(replaced)
    return posts.transform(versions, deletions, existing, now).localCheckpoint(), replaced


def put_posts(lake: Lake, events: Sequence[Event]) -> None:
    """Append what a first night makes of ``events`` to silver.posts and silver.post_edits."""
    for name, frame in zip(("silver.posts", "silver.post_edits"), clean_posts(lake.spark, events), strict=True):
        lake.create(name)
        frame.write.format("delta").mode("append").save(lake.path(name))


def edit(created: Event, event_id: str, at: str, received: str | None = None, **changes: object) -> Event:
    """An edit of the post that ``created`` tells."""
    event = {**created, **changes, "event_id": event_id, "event_time": at, "received_at": received or at}
    return {**event, "event_type": "post_updated"}


def deletion(post_id: int, event_id: str, at: str, received: str | None = None) -> Event:
    return event("post_deleted", event_id, at, received, post_id=post_id)


def replace_post(night: Night, post_id: int, updated_at: datetime, **changes: Any) -> None:
    """Replace a row of silver.posts, and keep it in silver.post_edits, as the clean stage would."""
    posts = night.read("silver.posts")
    [old] = posts.where(F.col("post_id") == post_id).collect()
    received, came_first = old.version_received_at or old.received_at, old.came_first is not False
    replaced = {"superseded_at": updated_at, "superseded_received_at": updated_at}
    put(
        night.lake,
        "silver.post_edits",
        [{**old.asDict(), "received_at": received, "came_first": came_first, **replaced}],
    )
    changes |= {"updated_at": updated_at, "version_received_at": updated_at, "came_first": False}
    for name, value in changes.items():
        posts = posts.withColumn(name, F.when(F.col("post_id") == post_id, F.lit(value)).otherwise(F.col(name)))
    posts.write.format("delta").mode("overwrite").save(night.lake.path("silver.posts"))
