"""The ids and phrases of the proof: ids are searched in numbers, text and packed bytes, names and texts in text.

Distinctive ids, from ``DISTINCTIVE`` on, are searched in every number. A smaller id occurs by chance in any file, and
an id that another thing shares may legitimately remain. These are searched only in id columns, in JSON fields of ids,
and in Redis keys.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as kinds

from contracts.erasure import KINDS, LINE_FIELDS, LINE_LISTS, LINE_OWNER, TRACES, Kind
from contracts.page_records import ID_LISTS
from spark_jobs.erase.search_list import SearchList

_NUMBER = re.compile(rb"[0-9]{7,}")
_ID_FIELDS: dict[str, Kind] = {**LINE_FIELDS, LINE_OWNER: "user"}
_FIELD = re.compile(rf'"({"|".join(_ID_FIELDS)})"\s*:\s*"?(-?[0-9]+)'.encode())
_ID_LISTS: dict[str, Kind] = {**dict.fromkeys(LINE_LISTS, "user"), **ID_LISTS}
_LIST = re.compile(rf'"({"|".join(_ID_LISTS)})"\s*:\s*\[([-0-9,\s]*)\]'.encode())
_PACKED = ("<i8", ">i8")
_ID_BYTES = 8


@dataclass(frozen=True)
class Needles:
    """A search list prepared for searching."""

    search_list: SearchList

    @cached_property
    def distinctive(self) -> frozenset[int]:
        """Ids, without sign, that are searched everywhere."""
        return frozenset(self.search_list.ids.distinctive()) - frozenset(self.search_list.borne)

    @cached_property
    def phrases(self) -> tuple[bytes, ...]:
        """Names and texts as UTF-8 and as JSON writes them."""
        forms = {
            form.encode()
            for phrase in self.search_list.phrases
            for form in (phrase, json.dumps(phrase)[1:-1], json.dumps(phrase, ensure_ascii=False)[1:-1])
        }
        return tuple(sorted(forms))

    @cached_property
    def _by_kind(self) -> dict[Kind, frozenset[int]]:
        return {kind: frozenset(self.search_list.ids.of(kind)) for kind in KINDS}

    def of(self, kind: Kind) -> frozenset[int]:
        """All ids of one kind."""
        return self._by_kind[kind]

    def in_text(self, data: bytes) -> set[str]:
        """What ``data`` contains as text."""
        matches = {number.decode() for number in set(_NUMBER.findall(data)) if int(number) in self.distinctive}
        matches |= {
            f"{kind} {number.decode()}"
            for name, number in set(_FIELD.findall(data))
            if int(number) in self.of(kind := _ID_FIELDS[name.decode()])
        }
        matches |= {
            f"{kind} {int(number)}"
            for name, items in set(_LIST.findall(data))
            for number in re.findall(rb"-?[0-9]+", items)
            if int(number) in self.of(kind := _ID_LISTS[name.decode()])
        }
        return matches | {phrase.decode() for phrase in self.phrases if phrase in data}

    def in_packed(self, data: bytes) -> set[str]:
        """Distinctive ids that ``data`` contains as 64-bit integers, at any offset, in either byte order."""
        size = len(data) - _ID_BYTES + 1
        if size < 1 or not self.distinctive:
            return set()
        matches: set[str] = set()
        for order in _PACKED:
            every = np.ndarray((size,), order, data, strides=(1,))
            ids = np.array(sorted(self.distinctive), "i8")
            matches |= {f"packed {number}" for number in np.unique(every[np.isin(every, ids)])}
        return matches

    def in_bytes(self, data: bytes) -> set[str]:
        """What ``data`` contains in any form."""
        return self.in_text(data) | self.in_packed(data)

    def in_array(self, values: Any, kind: Kind | None) -> set[str]:
        """What a column (an Arrow array) contains; ``kind`` is that of its ids, if it is known to hold ids."""
        if kinds.is_integer(values.type):
            ids = self.of(kind) if kind else {*self.distinctive, *(-i for i in self.distinctive)}
            long_values = values.cast(pa.int64(), safe=False)
            present = pc.is_in(long_values, value_set=pa.array(sorted(ids), pa.int64()))
            return {f"{kind or 'id'} {value}" for value in pc.unique(long_values.filter(present)).to_pylist()}
        if kinds.is_string(values.type) or kinds.is_large_string(values.type):
            return self.in_text(b"\n".join(value.encode() for value in pc.unique(values).to_pylist() if value))
        if kinds.is_binary(values.type) or kinds.is_large_binary(values.type):
            return self.in_bytes(b"\n".join(value for value in pc.unique(values).to_pylist() if value))
        return set().union(*(self.in_array(child, kind) for child in children(values)))


def children(values: Any) -> Iterator[Any]:
    """The arrays inside a nested one; none for floats, dates and booleans."""
    if kinds.is_struct(values.type):
        yield from values.flatten()
    elif kinds.is_map(values.type):
        yield from (values.keys, values.items)
    elif kinds.is_list(values.type) or kinds.is_large_list(values.type):
        yield values.flatten()
    elif kinds.is_dictionary(values.type):
        yield values.dictionary


def kind_of(table: str, column: str) -> Kind | None:
    """The kind of ids in a column of a table of the lake."""
    trace = TRACES.get(table)
    if trace is None:
        return None
    return "user" if column in (*trace.lists, *trace.owners) else trace.deleted_by.get(column)
