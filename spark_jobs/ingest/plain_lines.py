"""Read plain lines, which clearly keep the contract, a batch at a time with Arrow's JSON reader.

Almost every line of a healthy feed is plain. ``odd_lines`` reads the other lines one by one, at several times the cost.
So this reader must be fast and must never accept a bad line; a line with anything odd is not plain.
Arrow refuses a whole batch for one bad line; such a batch is halved until its odd lines are alone.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyarrow import json

from contracts.landing import ENVELOPE, EVENT_TYPES, Field, FieldType
from spark_jobs.ingest.times import MOMENT, are_times, moments

_ONE_FLAT_OBJECT = r'^[ \t\r]*\{([^{}"NI]|"([^"\\]|\\.)*")*\}[ \t\r]*$'
"""An object without nested objects, and without NaN and Infinity, which Arrow reads as numbers."""
_USUAL_BYTES = 1_000
"""A line of at most this length cannot break a limit of any JSON reader."""
_LONGEST_PLAIN, _MOST_LISTS, _MOST_COLONS = 50_000, 100, 1_000
_MANY_DIGITS = r"\d{300}"
PARSED_AS: dict[FieldType, pa.DataType] = {
    "long": pa.int64(),
    "int": pa.int32(),
    "double": pa.float64(),
    "boolean": pa.bool_(),
    "string": pa.string(),
    "timestamp": pa.string(),
    "strings": pa.list_(pa.string()),
    "longs": pa.list_(pa.int64()),
}
FIELDS = {field.name: field for fields in (ENVELOPE, *EVENT_TYPES.values()) for field in fields}
_SCHEMA = pa.schema([(name, PARSED_AS[field.type]) for name, field in FIELDS.items()])
_TYPES = pa.array(list(EVENT_TYPES))
_REQUIRED_BY = {
    name: np.array(
        [any(f.name == name and f.required for f in (*ENVELOPE, *fields)) for fields in EVENT_TYPES.values()]
    )
    for name in FIELDS
}
"""Per field, whether each event type requires it, in the order of ``EVENT_TYPES``."""


def read_plain(raw: pa.StringArray, names: Sequence[str]) -> list[pa.Array]:
    """The fields ``names`` of each plain line of ``raw``, as columns; nulls for other lines.

    Times are instants in UTC. ``event_type`` is never null in a plain line.
    """
    is_flat = _numpy(pc.match_substring_regex(raw, _ONE_FLAT_OBJECT)) & ~_is_extreme(raw)
    read_fields = _read(raw.take(pa.array(np.flatnonzero(is_flat))), names)
    if is_flat.all():
        return read_fields
    places = np.full(len(raw), -1, dtype=np.int64)
    places[is_flat] = np.arange(is_flat.sum())
    order = pa.array(places, mask=~is_flat)
    return [column.take(order) for column in read_fields]


def _is_extreme(raw: pa.StringArray) -> NDArray[np.bool_]:
    """Whether a line could exceed a limit of one of the JSON readers.

    Deeply nested lists crash Arrow's process, and many unknown fields, a column for each, exhaust its memory.
    ``odd_lines`` checks the contract's limits of nesting, digits and names. A short line cannot exceed a limit.
    """
    is_long = _numpy(pc.greater(pc.binary_length(raw), _USUAL_BYTES))
    is_extreme = np.zeros(len(raw), dtype=np.bool_)
    if is_long.any():
        long = raw.take(pa.array(np.flatnonzero(is_long)))
        is_extreme[is_long] = (
            _numpy(pc.greater(pc.binary_length(long), _LONGEST_PLAIN))
            | _numpy(pc.greater(pc.count_substring(long, "["), _MOST_LISTS))
            | _numpy(pc.greater(pc.count_substring(long, ":"), _MOST_COLONS))
            | _numpy(pc.match_substring_regex(long, _MANY_DIGITS))
        )
    return is_extreme


def _read(raw: pa.StringArray, names: Sequence[str]) -> list[pa.Array]:
    """The fields of lines that are each a flat object or null; halves a batch that the reader refuses."""
    if len(raw) == 0:
        return _nulls(0, names)
    try:
        return _read_strictly(raw, names)
    except (pa.ArrowInvalid, UnicodeDecodeError):
        if len(raw) == 1:
            return _nulls(1, names)
    half = len(raw) // 2
    halves = zip(_read(raw[:half], names), _read(raw[half:], names), strict=True)
    return [pa.concat_arrays(pair) for pair in halves]


def _read_strictly(raw: pa.StringArray, names: Sequence[str]) -> list[pa.Array]:
    raw.validate(full=True)  # UTF-8
    text = pc.binary_join(pa.ListArray.from_arrays([0, len(raw)], raw), "\n")[0].as_buffer()
    # Unknown fields are parsed too: otherwise Arrow would not notice one that occurs twice in a line.
    parsed = json.read_json(
        pa.BufferReader(text),
        read_options=json.ReadOptions(use_threads=False, block_size=len(text) + 1),
        parse_options=json.ParseOptions(explicit_schema=_SCHEMA, unexpected_field_behavior="infer"),
    )
    if parsed.num_rows != len(raw):
        raise pa.ArrowInvalid("a line holds more than one value")
    columns = {name: parsed.column(name).combine_chunks() for name in FIELDS}
    is_plain = pa.array(_keep_the_contract(columns))
    read_fields = [pc.if_else(is_plain, columns[name], None) for name in names]
    return [
        moments(one) if FIELDS[name].type == "timestamp" else one for name, one in zip(names, read_fields, strict=True)
    ]


def _nulls(size: int, names: Sequence[str]) -> list[pa.Array]:
    types = [FIELDS[name].type for name in names]
    return [pa.nulls(size, MOMENT if kind == "timestamp" else PARSED_AS[kind]) for kind in types]


def _keep_the_contract(columns: dict[str, pa.Array]) -> NDArray[np.bool_]:
    """Whether each row has all fields that its event type requires, with values that they may take."""
    event_type = _numpy(pc.fill_null(pc.index_in(columns["event_type"], _TYPES), -1))
    keeps: NDArray[np.bool_] = (event_type >= 0) & _numpy(
        pc.fill_null(pc.not_equal(columns["event_id"], ""), fill_value=False)
    )
    for name, field in FIELDS.items():
        column = columns[name]
        if column.null_count:
            keeps &= ~_REQUIRED_BY[name][event_type] | _numpy(column.is_valid())
        if field.type == "timestamp":
            keeps &= are_times(column)
        elif field.type == "double":
            keeps &= _numpy(pc.fill_null(pc.is_finite(column), fill_value=True))
        if field.bounds and column.null_count < len(column):
            keeps &= is_surely_within(column, field)
    for at, fields in enumerate(EVENT_TYPES.values()):
        for field in fields:
            if field.allowed:
                fits = pc.or_(columns[field.name].is_null(), pc.is_in(columns[field.name], pa.array(field.allowed)))
                keeps &= (event_type != at) | _numpy(fits)
    return keeps


def is_surely_within(column: pa.Array, field: Field) -> NDArray[np.bool_] | bool:
    """Whether each value is surely within the field's bounds, or null; texts are measured in bytes."""
    if field.longest is not None:
        column = pc.binary_length(column)
    limits = (
        (pc.greater_equal, "min", field.least),
        (pc.greater, "min", field.above),
        (pc.less_equal, "max", field.most if field.longest is None else field.longest),
    )
    # If the least and the greatest value are within the bounds, all are.
    ends = pc.min_max(column)
    broken = [
        (holds, limit) for holds, end, limit in limits if limit is not None and not holds(ends[end], limit).as_py()
    ]
    fits = (_numpy(pc.fill_null(holds(column, limit), fill_value=True)) for holds, limit in broken)
    return np.logical_and.reduce(list(fits)) if broken else True


def _numpy(column: pa.Array) -> NDArray[Any]:
    return np.asarray(column.to_numpy(zero_copy_only=False))
