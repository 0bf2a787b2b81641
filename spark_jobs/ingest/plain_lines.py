"""Lines that plainly keep the contract, told a batch at a time by Arrow's JSON reader.

Almost every line of a healthy feed is one. ``validation`` reads the others field by field, which costs some fifty
times as much, so this reading only has to be quick and never too kind: whatever is odd about a line, it is not plain.
The reader refuses a batch for one line in it; such a batch is halved until its odd lines stand alone.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyarrow import json
from pyspark.sql.types import DataType, StringType, StructField, TimestampType

from contracts.landing import ENVELOPE, EVENT_TYPES, Field, FieldType

TIMESTAMP = r"^(19[7-9]\d|20\d\d)-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)?$"
PREFIX = "plain_"
"""Before the names of the columns that ``tell_plain`` adds."""

TOLD: dict[str, DataType] = {
    "event_id": StringType(),
    "event_type": StringType(),
    "event_time": TimestampType(),
    "received_at": TimestampType(),
}
_MOMENT = pa.timestamp("us", "UTC")
_LONGEST_MOMENT = len("2026-03-08T09:00:00.123456Z")
PLAIN = tuple(StructField(PREFIX + name, kind) for name, kind in TOLD.items())
_ONE_FLAT_OBJECT = r"^\s*\{[^{}]*\}\s*$"
_USUAL_BYTES = 1_000
"""No reader of JSON has a limit that a line of this length could break."""
_LONGEST_PLAIN, _MOST_LISTS, _MOST_COLONS = 50_000, 100, 1_000
_MANY_DIGITS = r"\d{300}"
_PLAIN_OFFSET = r"T[^Z+-]+(Z|[+-](0\d|1[0-7]):[0-5]\d)?$"
_PARSED_AS: dict[FieldType, pa.DataType] = {
    "long": pa.int64(),
    "int": pa.int32(),
    "double": pa.float64(),
    "boolean": pa.bool_(),
    "string": pa.string(),
    "timestamp": pa.string(),
    "strings": pa.list_(pa.string()),
    "longs": pa.list_(pa.int64()),
}
_FIELDS = {field.name: field for fields in (ENVELOPE, *EVENT_TYPES.values()) for field in fields}
_SCHEMA = pa.schema([(name, _PARSED_AS[field.type]) for name, field in _FIELDS.items()])
_TYPES = pa.array(list(EVENT_TYPES))
_REQUIRED_BY = {
    name: np.array(
        [any(f.name == name and f.required for f in (*ENVELOPE, *fields)) for fields in EVENT_TYPES.values()]
    )
    for name in _FIELDS
}
"""Per field, for which event types it must be there, in the order of ``EVENT_TYPES``."""


def tell_plain(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The batches (``raw``, ...) with the envelope of plain lines, ``plain_event_id`` and so on; null of the others."""
    for batch in batches:
        told = read_plain(batch.column("raw"))
        yield pa.record_batch([*batch.columns, *told.columns], names=[*batch.schema.names, *told.schema.names])


def read_plain(raw: pa.StringArray) -> pa.RecordBatch:
    """The envelope of each line of ``raw`` that is plain, as four columns; nulls for the others."""
    is_flat = _numpy(pc.match_substring_regex(raw, _ONE_FLAT_OBJECT)) & ~_is_extreme(raw)
    told = _read(raw.take(pa.array(np.flatnonzero(is_flat))))
    places = np.full(len(raw), -1, dtype=np.int64)
    places[is_flat] = np.arange(is_flat.sum())
    order = pa.array(places, mask=~is_flat)
    return pa.record_batch([column.take(order) for column in told], names=[PREFIX + name for name in TOLD])


def _is_extreme(raw: pa.StringArray) -> NDArray[np.bool_]:
    """Whether a line could hold what one of the readers of JSON does not take.

    Lists within lists within lists end Arrow's process, and a column for each of many unknown fields its memory.
    Spark's readers stop at 1,000 levels, 1,000 digits and names of 50,000 characters: such a line is no event, as
    nothing behind ingest could read it. A short line can hold none of these.
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


def _read(raw: pa.StringArray) -> list[pa.Array]:
    """The envelope of lines of which each is one flat object or none; halves what the reader refuses."""
    if len(raw) == 0:
        return _nulls(0)
    try:
        return _read_strictly(raw)
    except (pa.ArrowInvalid, UnicodeDecodeError):
        if len(raw) == 1:
            return _nulls(1)
    half = len(raw) // 2
    return [pa.concat_arrays(pair) for pair in zip(_read(raw[:half]), _read(raw[half:]), strict=True)]


def _read_strictly(raw: pa.StringArray) -> list[pa.Array]:
    raw.validate(full=True)  # UTF-8
    text = pc.binary_join(pa.ListArray.from_arrays([0, len(raw)], raw), "\n")[0].as_buffer()
    # An unknown field is read as what it looks like, or nobody would see that a line names it twice.
    parsed = json.read_json(
        pa.BufferReader(text),
        read_options=json.ReadOptions(use_threads=False, block_size=len(text) + 1),
        parse_options=json.ParseOptions(explicit_schema=_SCHEMA, unexpected_field_behavior="infer"),
    )
    if parsed.num_rows != len(raw):
        raise pa.ArrowInvalid("a line holds more than one value")
    columns = {name: parsed.column(name).combine_chunks() for name in _FIELDS}
    is_plain = pa.array(_keep_the_contract(columns))
    told = {name: pc.if_else(is_plain, columns[name], None) for name in TOLD}
    return [_moments(told[name]) if kind == TimestampType() else told[name] for name, kind in TOLD.items()]


def _nulls(size: int) -> list[pa.Array]:
    return [pa.nulls(size, _MOMENT if kind == TimestampType() else pa.string()) for kind in TOLD.values()]


def _keep_the_contract(columns: dict[str, pa.Array]) -> NDArray[np.bool_]:
    """Whether each row has all fields that its event type requires, with values that they may take."""
    event_type = _numpy(pc.fill_null(pc.index_in(columns["event_type"], _TYPES), -1))
    keeps: NDArray[np.bool_] = (event_type >= 0) & _numpy(
        pc.fill_null(pc.not_equal(columns["event_id"], ""), fill_value=False)
    )
    for name, field in _FIELDS.items():
        column = columns[name]
        if column.null_count:
            keeps &= ~_REQUIRED_BY[name][event_type] | _numpy(column.is_valid())
        if field.type == "timestamp":
            keeps &= _are_times(column)
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
    """Whether each value is within the field's bounds, or null; of a text its bytes count, never too few."""
    if field.longest is not None:
        column = pc.binary_length(column)
    limits = (
        (pc.greater_equal, "min", field.least),
        (pc.greater, "min", field.above),
        (pc.less_equal, "max", field.most if field.longest is None else field.longest),
    )
    # The least and the greatest value of a healthy batch say yes for all.
    ends = pc.min_max(column)
    broken = [
        (holds, limit) for holds, end, limit in limits if limit is not None and not holds(ends[end], limit).as_py()
    ]
    fits = (_numpy(pc.fill_null(holds(column, limit), fill_value=True)) for holds, limit in broken)
    return np.logical_and.reduce(list(fits)) if broken else True


def _are_times(column: pa.StringArray) -> NDArray[np.bool_]:
    """Whether each text is a time, or null; a day that no calendar has raises ``ArrowInvalid``."""
    looks = pc.and_(pc.match_substring_regex(column, TIMESTAMP), pc.match_substring_regex(column, _PLAIN_OFFSET))
    seconds = pc.utf8_slice_codeunits(pc.if_else(looks, column, None), 0, 19)
    seconds.cast(pa.timestamp("s"))
    return _numpy(pc.fill_null(looks, fill_value=True))


def _moments(column: pa.StringArray) -> pa.TimestampArray:
    """Texts of which ``_are_times`` holds as instants in UTC; what is finer than a microsecond is cut off."""
    if (pc.max(pc.binary_length(column)).as_py() or 0) > _LONGEST_MOMENT:
        column = pc.replace_substring_regex(column, r"(\.\d{6})\d+", r"\1")
    is_local = pc.invert(pc.match_substring_regex(column, r"(Z|[+-]\d\d:\d\d)$"))
    if pc.any(is_local).as_py():
        column = pc.if_else(is_local, pc.binary_join_element_wise(column, "Z", ""), column)
    return column.cast(_MOMENT)


def _numpy(column: pa.Array) -> NDArray[Any]:
    return np.asarray(column.to_numpy(zero_copy_only=False))
