"""Lines that plainly keep the contract, told by one typed parse.

Almost every line of a healthy feed is one. ``validation`` reads the others field by field, which costs some twenty
times as much, so this reading only has to be quick and never too kind: whatever is odd about a line, it is not plain.
"""

from collections.abc import Sequence

from pyspark.sql import Column
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
    VariantType,
)

from contracts.landing import ENVELOPE, EVENT_TYPES, Field, FieldType

_ONE_FLAT_OBJECT = r"^\s*\{[^{}]*\}\s*$"
TIMESTAMP = r"^(19[7-9]\d|20\d\d)-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)?$"
_CORRUPT = "_corrupt"
_STRICT = {
    "columnNameOfCorruptRecord": _CORRUPT,
    "allowSingleQuotes": "false",
    "allowNonNumericNumbers": "false",
}
_PARSED_AS: dict[FieldType, DataType] = {
    "long": LongType(),
    "int": IntegerType(),
    "double": DoubleType(),
    "boolean": BooleanType(),
    "longs": ArrayType(LongType()),
    # Spark's reader turns any value into a string; a variant remembers what it was.
    "string": VariantType(),
    "timestamp": VariantType(),
    "strings": VariantType(),
}
_FIELDS = {field.name: field for fields in (ENVELOPE, *EVENT_TYPES.values()) for field in fields}


def parse(raw: Column) -> Column:
    """The line as a struct of every field that the contract knows; null for a field that is absent or null."""
    fields = [StructField(name, _PARSED_AS[field.type]) for name, field in _FIELDS.items()]
    return F.from_json(raw, StructType([*fields, StructField(_CORRUPT, StringType())]), _STRICT)


def is_plain(raw: Column, parsed: Column) -> Column:
    """Whether the line surely keeps every rule about shape; ``parsed`` is ``parse(raw)``."""
    keys = F.json_object_keys(raw)
    told_once = F.size(F.array_distinct(keys)) == F.size(keys)
    well_formed = [raw.rlike(_ONE_FLAT_OBJECT), F.is_valid_utf8(raw), parsed[_CORRUPT].isNull(), told_once]
    typed = [_fits(parsed[name], field) for name, field in _FIELDS.items()]
    named = text(parsed["event_id"]) != ""
    return F.coalesce(_all([*well_formed, *typed, named, _keeps_a_contract(parsed)]), F.lit(col=False))


def text(value: Column) -> Column:
    """The string in a variant that holds one."""
    return F.try_variant_get(value, "$", "string")


def _fits(value: Column, field: Field) -> Column:
    """Whether the value is absent or of the field's type, as far as the parse has not seen to it."""
    if field.type == "string":
        fits = F.schema_of_variant(value) == "STRING"
    elif field.type == "timestamp":
        is_text = F.schema_of_variant(value) == "STRING"
        fits = is_text & text(value).rlike(TIMESTAMP) & F.try_to_timestamp(text(value)).isNotNull()
    elif field.type == "strings":
        fits = F.schema_of_variant(value) == "ARRAY<STRING>"
    elif field.type == "double":
        fits = F.abs(value) < float("inf")
    elif field.type == "longs":
        fits = ~F.exists(value, lambda item: item.isNull())
    else:
        return F.lit(col=True)
    return value.isNull() | fits


def _keeps_a_contract(parsed: Column) -> Column:
    """Whether all required fields are there and hold allowed values, for the event type that the line names."""
    event_type = text(parsed["event_type"])
    kept = F.lit(col=False)
    for name, fields in EVENT_TYPES.items():
        holds = _all([_holds(parsed[field.name], field) for field in (*ENVELOPE, *fields)])
        kept = F.when(event_type == name, holds).otherwise(kept)
    return kept


def _all(conditions: Sequence[Column]) -> Column:
    """Whether all hold; null or false otherwise. A chain of ANDs this long takes Spark minutes to generate code for."""
    return ~F.array_contains(F.array(*conditions), F.lit(col=False))


def _holds(value: Column, field: Field) -> Column:
    required = value.isNotNull() if field.required else F.lit(col=True)
    if not field.allowed:
        return required
    allowed = text(value).isin(*field.allowed)
    return required & allowed if field.required else value.isNull() | allowed
