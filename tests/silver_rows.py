"""Hand-made silver tables: short rows with every other column filled in."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from contracts.features import TOPICS
from contracts.shape import EMBEDDING_SIZE
from spark_jobs.night.ddl import read_schema
from spark_jobs.night.lake import Lake
from spark_jobs.rules.post_columns import WRITING_COLUMNS
from tests.local_frames import local_frame

BLANKS: dict[str, Any] = {
    "bigint": 0,
    "int": 0,
    "string": "",
    "boolean": False,
    "array<string>": [],
    "array<bigint>": [],
    "double": 0.0,
}
EVENT_TIMES = {
    "silver.users": "valid_from",
    "silver.posts": "created_at",
    "silver.post_edits": "created_at",
    "silver.impressions": "shown_at",
    "silver.engagements": "engaged_at",
    "silver.friendships": "valid_from",
    "silver.blocks": "valid_from",
    "silver.page_follows": "valid_from",
    "silver.group_memberships": "valid_from",
    "silver.pages": "updated_at",
    "silver.content_labels": "updated_at",
    "silver.sessions": "started_at",
    "bronze.events": "event_time",
}
BY_USER_0 = {"author_id": 0, "source_id": 0}
"""A post has an author unless a test says that it has none."""

USUAL: dict[str, dict[str, Any]] = {
    "silver.posts": {**BY_USER_0, "source_type": "friend", "content_type": "status", "privacy": "public"},
    "silver.post_edits": {**BY_USER_0, "source_type": "friend", "content_type": "status", "privacy": "public"},
    "silver.impressions": {"request_id": "r", "session_id": "s", "position": 1, "device": "phone", "surface": "feed"},
}


def at(day: int, hour: int = 0, minute: int = 0, second: int = 0, micros: int = 0) -> datetime:
    """An instant of March 2026, UTC."""
    return datetime(2026, 3, day, hour, minute, second, micros, tzinfo=UTC)


def silver(spark: SparkSession, name: str, rows: Sequence[dict[str, Any]] = ()) -> DataFrame:
    """A frame of the table's schema; what a row leaves out is blank, null, or follows from its event time."""
    schema = read_schema(name)
    relaxed = T.StructType([T.StructField(field.name, field.dataType) for field in schema])
    table = [tuple(_fill(name, field, row) for field in schema) for row in rows]
    return local_frame(spark, relaxed, table)


def _fill(name: str, field: T.StructField, row: dict[str, Any]) -> Any:
    if field.name in row:
        return row[field.name]
    moment: Any = row.get(EVENT_TIMES.get(name, ""))
    if field.name in {"received_at", "updated_at"}:
        return moment
    if field.name == "signup_at":
        return row["valid_from"]
    if field.name == "event_date":
        return moment.date()
    if field.name in USUAL.get(name, {}):
        return USUAL[name][field.name]
    return None if field.nullable else BLANKS[field.dataType.simpleString()]


def put_reading(lake: Lake, post_id: int, text_at: datetime, ds: date, sentiment: float) -> None:
    """Append to gold.content_embeddings what a night read of a text; all of it follows from the sentiment."""
    size = EMBEDDING_SIZE
    embedding = [sentiment, *[0.0] * (size - 2), (1 - sentiment**2) ** 0.5]
    writing = {name: abs(sentiment) for name in WRITING_COLUMNS}
    fields = {
        **writing,
        "language": "en",
        "sentiment": sentiment,
        "topics": [0.1] * len(TOPICS),
        "embedding": embedding,
    }
    row = {"post_id": post_id, "text_at": text_at, "text_hash": text_at.day, "content_version": "v", "ds": ds, **fields}
    put(lake, "gold.content_embeddings", [row])


def verdict(post_id: int, given_at: datetime, **others: Any) -> dict[str, Any]:
    """What one sure person says of a post, received at once: by default that it is clickbait."""
    row = {"post_id": post_id, "labeller_id": "ann", "labeller_type": "human", "label": "clickbait", "value": True}
    return {**row, "updated_at": given_at, **others}


def put_views(lake: Lake, views: DataFrame) -> None:
    """Write ``views`` (post_id, log_views, ds) to gold.post_features; every other column is blank."""
    name = "gold.post_features"
    blanks = {"float": "0.0F", "bigint": "0L"}
    columns = [
        F.col(field.name)
        if field.name in views.columns
        else F.expr(blanks.get(field.dataType.simpleString(), "array()")).cast(field.dataType).alias(field.name)
        for field in read_schema(name)
    ]
    lake.create(name)
    views.select(*columns).write.format("delta").mode("append").save(lake.path(name))


def put(lake: Lake, name: str, rows: Sequence[dict[str, Any]]) -> None:
    """Append rows to a table of the lake."""
    lake.create(name)
    silver(lake.spark, name, rows).write.format("delta").mode("append").save(lake.path(name))
