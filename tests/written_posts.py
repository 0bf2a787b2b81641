"""silver.posts and silver.post_edits as the clean stage writes them of landed events, without a lake."""

from collections.abc import Sequence

from pyspark.sql import DataFrame, SparkSession

from spark_jobs.clean import post_edits, posts
from spark_jobs.clean.typed_events import typed_events
from spark_jobs.lake import Lake
from tests.landed import Event, bronze_rows, event
from tests.silver_rows import silver


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
    told = {**created, **changes, "event_id": event_id, "event_time": at, "received_at": received or at}
    return {**told, "event_type": "post_updated"}


def deletion(post_id: int, event_id: str, at: str, received: str | None = None) -> Event:
    return event("post_deleted", event_id, at, received, post_id=post_id)
