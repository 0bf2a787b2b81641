"""silver.content_labels: verdicts of people and fact checkers on posts; grain: post_id, labeller_id, label."""

from pyspark.sql import DataFrame

from spark_jobs.clean.latest_versions import latest_versions, merge_latest
from spark_jobs.clean.news import typed_news
from spark_jobs.clean.references import check, post_references
from spark_jobs.night.night import Night


def transform(events: DataFrame) -> DataFrame:
    """Rows of silver.content_labels for accepted verdicts."""
    return latest_versions(events, "post_id", "labeller_id", "label").select(
        "post_id",
        "labeller_id",
        "labeller_type",
        "label",
        "value",
        "confidence",
        "updated_at",
        "received_at",
        "event_id",
    )


def main(night: Night) -> None:
    """Merge new verdicts."""
    events = typed_news(night, "silver.content_labels", "content_labelled")
    if events is None:
        return
    merge_latest(night, "silver.content_labels", check(events, post_references(night)), transform)
