"""Landed events with their fields as typed columns."""

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


def typed_events(events: DataFrame, *event_types: str) -> DataFrame:
    """Rows of ``events`` (those of bronze.events, or ``news``) of the given types, with all their fields as columns.

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
