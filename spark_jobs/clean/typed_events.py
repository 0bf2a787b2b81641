"""The events that a night's clean jobs read, with their fields as typed columns."""

from datetime import timedelta

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import (
    ArrayType,
    BooleanType,
    DataType,
    DoubleType,
    IntegerType,
    LongType,
    StringType,
    StructField,
    StructType,
)

from contracts.landing import EVENT_TYPES, Field, FieldType
from spark_jobs.night import Night, newest_published

_PARSED_AS: dict[FieldType, DataType] = {
    "long": LongType(),
    "int": IntegerType(),
    "double": DoubleType(),
    "boolean": BooleanType(),
    "string": StringType(),
    "timestamp": StringType(),
    "strings": ArrayType(StringType()),
    "longs": ArrayType(LongType()),
}
"""Timestamps stay text here and are cast as ingest casts them; Spark's JSON reader also takes numbers for them."""


def landed_in_scope(night: Night) -> DataFrame:
    """Rows of bronze.events that landed up to the night and could be news to it.

    That is everything since the newest night before this one that built an epoch, and ``late_days`` more, so that
    an event whose reference came late is tried again; without such a night, all of history.
    """
    events = night.read("bronze.events").where(F.col("landing_date") <= F.lit(night.ds))
    published = newest_published(night)
    if published is None:
        return events
    return events.where(F.col("landing_date") > F.lit(published - timedelta(days=night.settings.dataset.late_days)))


def typed_events(events: DataFrame, *event_types: str) -> DataFrame:
    """Rows of ``events`` (bronze.events) of the given types, with every field of these types as a column.

    Grain: event_id. A field that the event lacks is null; null elements of lists are dropped.
    """
    fields = {field.name: field for event_type in event_types for field in EVENT_TYPES[event_type]}
    schema = StructType([StructField(field.name, _PARSED_AS[field.type]) for field in fields.values()])
    parsed = events.where(F.col("event_type").isin(*event_types)).withColumn("parsed", F.from_json("raw", schema))
    return parsed.select(*events.columns, *(_typed(field) for field in fields.values()))


def _typed(field: Field) -> Column:
    value = F.col(f"parsed.{field.name}")
    if field.type == "timestamp":
        value = F.try_to_timestamp(value)
    elif field.type in ("strings", "longs"):
        value = F.array_compact(value)
    return value.alias(field.name)
