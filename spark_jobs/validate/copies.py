"""Choose the event among several lines with the same event id."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from spark_jobs.validate.file_facts import FileFacts

_COLUMNS = ["event_id", "received_at", "file", "line", "event_time"]


class Line(NamedTuple):
    """The sort key of a line: of several lines, the least is the event."""

    received_at: datetime
    source: str
    line: int
    event_time: datetime
    landing_date: date


def details_of_copies(events: dict[str, pa.Table], files: Sequence[FileFacts], days: int) -> dict[str, pa.Array]:
    """For each row of ``events`` by type, the place of the event that it copies; null if it is the event itself."""
    if not events:
        return {}
    ids = pa.concat_tables([rows.select(_COLUMNS) for rows in events.values()])
    codes = np.asarray(ids["event_id"].combine_chunks().dictionary_encode().indices)
    repeated = np.flatnonzero(np.bincount(codes)[codes] > 1)
    lines: dict[str, dict[Line, int]] = defaultdict(dict)
    for at, row in zip(repeated, ids.take(pa.array(repeated)).to_pylist(), strict=True):
        file = files[row["file"]]
        line = Line(row["received_at"], file.source, row["line"], row["event_time"], file.landing_date)
        lines[row["event_id"]][line] = int(at)
    details: list[str | None] = [None] * len(ids)
    for event_id, some in lines.items():
        for copy, event in copies_of(some, days):
            details[some[copy]] = f"event_id={event_id}, first in {event.source}:{event.line}"
    ends = np.cumsum([len(rows) for rows in events.values()]).tolist()
    begins = [0, *ends[:-1]]
    return {
        name: pa.array(details[begin:end], pa.string()) for name, begin, end in zip(events, begins, ends, strict=True)
    }


def copies_of(lines: Iterable[Line], days: int) -> list[tuple[Line, Line]]:
    """Each copy among lines with the same event id, and the event that it copies.

    A line is a copy of a lesser one with the same event time, or that landed at most ``days`` days apart.
    """
    at_once: dict[datetime, Line] = {}
    on_day: dict[date, Line] = {}
    for line in lines:
        at_once[line.event_time] = min(line, at_once.get(line.event_time, line))
        on_day[line.landing_date] = min(line, on_day.get(line.landing_date, line))
    near = {day: min(line for other, line in on_day.items() if abs((other - day).days) <= days) for day in on_day}
    firsts = ((line, min(at_once[line.event_time], near[line.landing_date])) for line in lines)
    return [(line, event) for line, event in firsts if line != event]
