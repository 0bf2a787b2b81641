"""Sort entries of the stream: events by the day on which they were received, other entries aside."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from contracts.collector_keys import LINE_FIELD
from contracts.lines.event_line import read_line

_DATE_CHARACTERS = len("2026-03-08")


@dataclass(frozen=True)
class Entry:
    """One entry of the stream; ``fields`` is None if the entry was deleted."""

    id: str
    fields: Mapping[bytes, bytes] | None

    @property
    def num_bytes(self) -> int:
        """Bytes of its names and values."""
        return sum(len(name) + len(value) for name, value in (self.fields or {}).items())


@dataclass
class Sorted:
    """Entries of one batch: lines by the day in whose folder they go, and those aside; in order of the stream."""

    by_day: dict[str, list[tuple[str, bytes]]] = field(default_factory=lambda: defaultdict(list))
    aside: list[tuple[str, bytes]] = field(default_factory=list)


def sort_entries(entries: Sequence[Entry]) -> Sorted:
    """Each entry by its id with the line to write; of several events with one id the first counts."""
    found, seen = Sorted(), set()
    for entry in entries:
        if entry.fields is None:
            continue
        line = entry.fields.get(LINE_FIELD, b"")
        reason, detail, event = _read(entry.fields, line)
        if reason is not None:
            found.aside.append((entry.id, _aside_line(entry, reason, detail)))
        elif event["event_id"] not in seen:
            seen.add(event["event_id"])
            # The collector tells it in UTC.
            found.by_day[event["received_at"][:_DATE_CHARACTERS]].append((entry.id, line))
    return found


def _read(fields: Mapping[bytes, bytes], line: bytes) -> tuple[str | None, str, dict[str, str]]:
    """Why an entry is not an event of the collector: reason (None if it is one), detail, and its fields."""
    if set(fields) != {LINE_FIELD}:
        names = ", ".join(repr(name)[1:] for name in sorted(fields))[:200]
        return "not_an_entry", f"its fields are {names}, must be {LINE_FIELD.decode()}", {}
    if b"\n" in line:
        return "not_one_line", "it holds the end of a line", {}
    read = read_line(line)
    if read.problem is not None:
        return read.problem.reason, read.problem.detail, {}
    if not read.fields["received_at"].endswith("Z"):
        return "not_utc", f"received_at={read.fields['received_at']}, must end in Z", {}
    return None, "", read.fields


def _aside_line(entry: Entry, reason: str, detail: str) -> bytes:
    """An entry that is no event, as a JSON line; bytes beyond ASCII are escaped as in Python's ``repr``."""
    fields = {_text(name): _text(value) for name, value in (entry.fields or {}).items()}
    record = {"stream_id": entry.id, "reason": reason, "detail": detail, "fields": fields}
    return json.dumps(record).encode()


def _text(value: bytes) -> str:
    return value.decode(errors="backslashreplace")
