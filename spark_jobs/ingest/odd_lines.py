"""Columns of the lines that are not plain, which ``contracts.lines`` reads one by one.

This is row-wise Python, for the few lines that ``plain_lines`` leaves: some twenty thousand lines a second.
"""

from typing import Any

import pyarrow as pa

from contracts.landing import Field
from contracts.lines.event_line import IS_OF_TYPE, Line
from contracts.lines.strict_json import is_whole
from spark_jobs.ingest.plain_lines import FIELDS, PARSED_AS
from spark_jobs.ingest.times import moments


def field_column(lines: list[Line], name: str) -> pa.Array:
    """The field ``name`` of each line, in the type of the contract; null if it is absent or of another type."""
    field = FIELDS[name]
    values = [_typed(field, line.fields.get(name)) for line in lines]
    if field.type == "timestamp":
        return moments(pa.array(values, pa.string()))
    return pa.array(values, PARSED_AS[field.type])


def _typed(field: Field, value: Any) -> Any:
    if value is None or not IS_OF_TYPE[field.type](value):
        return None
    if field.type in ("long", "int"):
        return int(value)
    if field.type == "double":
        return float(value)
    if field.type == "longs":
        return [None if one is None else int(one) for one in value]
    texts = [value] if field.type == "string" else value if field.type == "strings" else []
    return value if all(map(is_whole, texts)) else None  # half of a surrogate pair cannot be stored
