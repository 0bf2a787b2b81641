"""Rules on many events: which line of several is the event, and which events refer to unknown entities.

The stages ingest and clean apply the same rules on Spark. A test gives both the same lines.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from contracts.references import CONTRADICTIONS, ENTITIES, REFERENCES, Entity, Reference
from spark_jobs.validate.copies import details_of_copies
from spark_jobs.validate.file_facts import POSTS, REFUSED, FileFacts

VIOLATIONS = pa.schema([("file", pa.int32()), *REFUSED])
"""``file`` is the index of the line's file among the files."""


def find_violations(files: Sequence[FileFacts], days_of_reuse: int) -> pa.Table:
    """Every refused line of ``files``, which are in order of source; grain: file and line, in order; ``VIOLATIONS``.

    An event id may be used again for another event that lands more than ``days_of_reuse`` days from the first.
    """
    violations = [VIOLATIONS.empty_table()]
    violations += [_at(place, facts.refused).select(VIOLATIONS.names) for place, facts in enumerate(files)]
    events = _by_type(files)
    copies = details_of_copies(events, files, days_of_reuse)
    known: dict[Entity, list[pa.Array]] = {
        "post": [pa.array([post for facts in files for post in facts.withheld], pa.int64())]
    }
    for event_type in _in_order(events):
        rows, detail = events[event_type], copies[event_type]
        is_copy = detail.is_valid()
        violations.append(_violations(rows.filter(is_copy), "duplicate_event", detail.drop_null()))
        if event_type in POSTS:
            known["post"] += rows["post_id"].chunks
        refused, kept = _held_to_references(event_type, rows.filter(pc.invert(is_copy)), known)
        violations += refused
        for entity, (key, types) in ENTITIES.items():
            if event_type in types:
                known.setdefault(entity, []).extend(kept[key].chunks)
    every = pa.concat_tables(violations)
    return every.sort_by([("file", "ascending"), ("line", "ascending")])


def _at(place: int, rows: pa.Table) -> pa.Table:
    return rows.append_column("file", pa.repeat(pa.scalar(place, pa.int32()), len(rows)))


def _by_type(files: Sequence[FileFacts]) -> dict[str, pa.Table]:
    by_type: dict[str, list[pa.Table]] = {}
    for place, facts in enumerate(files):
        for event_type, rows in facts.events.items():
            by_type.setdefault(event_type, []).append(_at(place, rows))
    return {event_type: pa.concat_tables(rows) for event_type, rows in by_type.items()}


def _in_order(events: dict[str, pa.Table]) -> list[str]:
    """The event types that occur; a type that makes an entity known comes before types that refer to it."""
    makers = [event_type for _, types in ENTITIES.values() for event_type in types]
    return [name for name in [*makers, *(one for one in events if one not in makers)] if name in events]


def _held_to_references(
    event_type: str, rows: pa.Table, known: dict[Entity, list[pa.Array]]
) -> tuple[list[pa.Table], pa.Table]:
    """The violations of events of one type, and the accepted events."""
    is_accepted = np.ones(len(rows), np.bool_)
    refused = []
    for reference in REFERENCES.get(event_type, ()):
        ids = pa.concat_arrays([pa.array([], pa.int64()), *known.get(reference.entity, ())])
        is_broken = is_accepted & _names_none(reference, rows, ids)
        broken = rows.filter(pa.array(is_broken))
        value = broken[reference.field].cast(pa.string()).fill_null("null")
        detail = pc.binary_join_element_wise(f"{reference.field}=", value, "")
        refused.append(_violations(broken, reference.reason, detail))
        is_accepted &= ~is_broken
    rows = rows.filter(pa.array(is_accepted))
    if event_type in CONTRADICTIONS:
        broken = rows.filter(rows["contradiction"].is_valid())
        refused.append(_violations(broken, CONTRADICTIONS[event_type].reason, broken["contradiction"]))
        rows = rows.filter(rows["contradiction"].is_null())
    return refused, rows


def _names_none(reference: Reference, rows: pa.Table, ids: pa.Array) -> NDArray[np.bool_]:
    """Whether the field must name one of ``ids`` and does not."""
    column = rows[reference.field]
    is_free = column.is_null()
    if reference.only_when is not None:
        name, value = reference.only_when
        is_free = pc.not_equal(rows[name], value)
    if reference.but is not None:
        is_free = pc.or_(is_free, pc.fill_null(pc.equal(column, reference.but), fill_value=False))
    return np.asarray(pc.invert(pc.or_(is_free, pc.is_in(column, ids))))


def _violations(rows: pa.Table, reason: str, detail: pa.ChunkedArray) -> pa.Table:
    reasons = pa.repeat(pa.scalar(reason), len(rows))
    return pa.table([rows["file"], rows["line"], reasons, detail], schema=VIOLATIONS)
