"""Remove erased people from the collector's Redis: their events that the drain has not moved yet, and their counters.

Lines of other users that mention them stay: ingest removes the id when such a line has landed.
"""

import json
from collections.abc import Mapping
from typing import Any

from contracts.collector_keys import LINE_FIELD, STREAM
from contracts.erasure import KINDS, LINE_FIELDS, Kind
from contracts.redis_key_kind import USER_TAG
from spark_jobs.rules.erased_ids import ErasedIds
from storage.redis_clients import Client

_ENTRIES_PER_READ = 500


def erase_events(client: Client, ids: ErasedIds) -> dict[str, int]:
    """Delete entries by or about the erased people, and their keys; returns how many of each.

    An entry that is not an event is deleted if it holds a distinctive id.
    """
    num_removed, ids_by_kind, start = {"entries": 0, "keys": 0}, {kind: frozenset(ids.of(kind)) for kind in KINDS}, "-"
    distinctive = [str(one).encode() for one in ids.distinctive()]
    while entries := _read(client, start):
        entries_of_person = [name for name, fields in entries if _names_person(fields, ids_by_kind, distinctive)]
        if entries_of_person:
            num_removed["entries"] += int(client.xdel(STREAM, *entries_of_person))
        start = f"({entries[-1][0].decode()}"
    for key in client.scan_iter(count=_ENTRIES_PER_READ):
        if (tag := USER_TAG.search(key)) and int(tag[1]) in ids.user:
            removed: Any = client.unlink(key)
            num_removed["keys"] += int(removed)
    return num_removed


def _read(client: Client, start: str) -> list[tuple[bytes, Mapping[bytes, bytes]]]:
    entries: Any = client.xrange(STREAM, start, "+", _ENTRIES_PER_READ)
    # An entry that was deleted in the meantime has no fields.
    return [(name, fields or {}) for name, fields in entries]


def _names_person(
    fields: Mapping[bytes, bytes], ids_by_kind: Mapping[Kind, frozenset[int]], distinctive: list[bytes]
) -> bool:
    try:
        line = json.loads(fields[LINE_FIELD])
        named = [line.get(name) for name in LINE_FIELDS]
    except (AttributeError, KeyError, RecursionError, ValueError):
        raw = b" ".join((*fields, *fields.values()))
        return any(one in raw for one in distinctive)
    return any(
        type(one) is int and one in ids_by_kind[kind] for one, kind in zip(named, LINE_FIELDS.values(), strict=True)
    )
