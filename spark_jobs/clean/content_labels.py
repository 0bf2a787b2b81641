"""silver.content_labels: what people and fact checkers say of a post; grain: post_id, labeller_id, label."""

from pyspark.sql import DataFrame

from spark_jobs.clean.latest_versions import latest_versions, merge_latest
from spark_jobs.clean.references import Reference, check, known_posts, on_silver_posts
from spark_jobs.clean.typed_events import landed_in_scope, typed_events
from spark_jobs.night import Night


def check_events(events: DataFrame, posts: DataFrame) -> DataFrame:
    """Typed content_labelled, with the reason where the post is unknown."""
    return check(events, [Reference("post_id", posts.select("post_id"), "unknown_post")])


def transform(events: DataFrame) -> DataFrame:
    """Rows of silver.content_labels for accepted verdicts."""
    return latest_versions(events, "post_id", "labeller_id", "label").select(
        "post_id", "labeller_id", "labeller_type", "label", "value", "confidence", "updated_at", "received_at"
    )


def main(night: Night) -> None:
    """Merge the night's verdicts; a verdict waits while its post is withheld."""
    checked = check_events(typed_events(landed_in_scope(night), "content_labelled"), known_posts(night))
    merge_latest(night, "silver.content_labels", checked, lambda kept: transform(on_silver_posts(night, kept)))
