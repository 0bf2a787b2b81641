"""Parse and check landed lines, for ingest and for ``validate_landing``.

Rules come from ``contracts.landing``. Rules that need other lines (repeats, references) are not here.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from contracts.landing import ENVELOPE, TIMED_TYPES
from contracts.lines.event_line import read_line
from contracts.lines.json_problems import Problem
from contracts.lines.strict_json import value_text
from contracts.lines.times import DAY_US, is_ahead, is_late, too_far_ahead, too_late
from spark_jobs.ingest.odd_lines import field_column
from spark_jobs.ingest.plain_lines import read_plain
from spark_jobs.ingest.times import MOMENT

ENVELOPE_NAMES = tuple(field.name for field in ENVELOPE)
MAX_DETAIL = 300
"""Most characters of a detail; a value in it is cut to fewer, see ``json_problems.shown``."""

_BYTE_ORDER_MARK = "\ufeff"


def without_marks(lines: pa.RecordBatch) -> pa.RecordBatch:
    """``lines`` without byte-order marks at the start of lines, and without lines that are then blank.

    A file that was concatenated from several has marks in the middle too.
    """
    raw = lines.column("raw")
    has_mark = pc.starts_with(raw, _BYTE_ORDER_MARK)
    if not pc.any(has_mark).as_py():
        return lines
    bare = pc.replace_substring_regex(raw.cast(pa.binary()), rb"^\xef\xbb\xbf", b"")
    bare = pc.cast(bare, options=pc.CastOptions(pa.string(), allow_invalid_utf8=True))
    kept = lines.set_column(lines.schema.get_field_index("raw"), "raw", bare)
    return kept.filter(pc.or_(pc.invert(has_mark), pc.greater(pc.binary_length(bare), 0)))


def judge(lines: pa.RecordBatch, late_days: int, more: Sequence[str] = ()) -> pa.RecordBatch:
    """The fields of the lines (``raw``, ``landing_date``), and the first rule of docs/landing.md that each breaks.

    Grain: one line of ``lines``, in the same order. Columns: the envelope, ``more`` fields of the contract, ``reason``
    and ``detail``, both null on an acceptable line. A field that cannot be read is null. ``received_at`` is never
    before ``event_time``.
    """
    names = [*ENVELOPE_NAMES, *more]
    raw = lines.column("raw")
    columns = read_plain(raw, names)
    event_type = columns[names.index("event_type")]
    odd = np.flatnonzero(np.asarray(event_type.is_null()))
    read = [read_line(line) for line in raw.take(pa.array(odd)).cast(pa.binary()).to_pylist()]
    problems: list[Problem | None] = [None] * len(raw)
    if read:
        columns = [_put(column, odd, field_column(read, name)) for name, column in zip(names, columns, strict=True)]
        for at, line in zip(odd, read, strict=True):
            problems[at] = line.problem
    by_name = dict(zip(names, columns, strict=True))
    _add_time_problems(problems, by_name, lines, late_days)
    happened, received = by_name["event_time"], by_name["received_at"]
    by_name["received_at"] = pc.if_else(pc.fill_null(pc.greater(happened, received), False), happened, received)  # noqa: FBT003
    by_name["reason"] = pa.array([problem and problem.reason for problem in problems], pa.string())
    by_name["detail"] = pa.array([problem and problem.detail[:MAX_DETAIL] for problem in problems], pa.string())
    return pa.RecordBatch.from_pydict(by_name)


def _put(column: pa.Array, places: NDArray[np.intp], values: pa.Array) -> pa.Array:
    """``column`` with ``values`` at ``places``."""
    order = np.arange(len(column))
    order[places] = len(column) + np.arange(len(places))
    return pa.concat_arrays([column, values]).take(pa.array(order))


def _add_time_problems(
    problems: list[Problem | None], columns: dict[str, pa.Array], lines: pa.RecordBatch, late_days: int
) -> None:
    """Add the problems of times to lines without a problem, which have both times."""
    happened, received = (_micros(columns[name]) for name in ("event_time", "received_at"))
    day_end = (np.asarray(lines.column("landing_date").cast(pa.int32())).astype(np.int64) + 1) * DAY_US
    is_timed = np.asarray(pc.is_in(columns["event_type"], pa.array(TIMED_TYPES)))
    ahead, future = is_ahead(happened, received), received >= day_end
    late = is_timed & is_late(happened, received, late_days)
    for at in np.flatnonzero(ahead | future | late):
        if problems[at] is not None:
            continue
        line = lines.column("raw")[int(at)].as_buffer().to_pybytes()
        times = (value_text(line, "event_time"), value_text(line, "received_at"))
        if ahead[at]:
            problems[at] = Problem("future_event", too_far_ahead(*times))
        elif future[at]:
            day = lines.column("landing_date")[int(at)].as_py()
            why = f"received_at={times[1]}, must be on the folder's day {day} or before"
            problems[at] = Problem("future_event", why)
        else:
            problems[at] = Problem("too_late", too_late(*times, late_days))


def _micros(moments: pa.Array) -> NDArray[np.int64]:
    """Microseconds since 1970; 0 where null."""
    micros: NDArray[np.int64] = np.asarray(pc.fill_null(moments.cast(MOMENT).cast(pa.int64()), 0))
    return micros
