"""List a landing area: the files to read, and the entries that cannot be read. No Spark."""

import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal

import pyarrow as pa
from pyarrow import fs

from contracts.places import Place
from storage.arrow import file_system

SETTINGS = "dataset.json"
LINE_FILE = re.compile(r"\.(jsonl|ndjson|json)(\.gz)?$", re.IGNORECASE)
"""The end of a name of a file of JSON lines."""

Reason = Literal[
    "not_a_file",
    "not_in_a_day",
    "not_a_day",
    "name_not_allowed",
    "not_json_lines",
    "not_gzip",
    "damaged",
    "changed",
    "unfinished",
]
PROBLEMS: dict[Reason, str] = {
    "not_a_file": "is no file and no link to one: mend or remove it",
    "not_in_a_day": "lies in no day: move it to <YYYY-MM-DD>/, the day on which it arrived, or begin its name with _",
    "not_a_day": "lies in a folder that is no calendar day: name the folder <YYYY-MM-DD>, or begin its name with _",
    "name_not_allowed": "has a name that is not allowed: rename it with letters, digits and . = + _ - only",
    "not_json_lines": "is no file of JSON lines: name it *.jsonl or *.jsonl.gz if it is one, else begin it with _",
    "not_gzip": "is no gzip file: name it *.jsonl if it is plain text",
    "damaged": "is a damaged gzip file from byte {at} on: put it there again, whole",
    "changed": "was read before, and {what}: put it back as it was, or remove it and put what is new into another file",
    "unfinished": "ends within {what}, which waits for the rest: end the file, or remove it and put it there whole",
}
"""Why a file is not read, or not to its end, and what to do."""

_PLAIN_NAME = re.compile(r"[A-Za-z0-9.=+_-]+")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


class LandingError(ValueError):
    """The landing area cannot be read as one; the message names the folder and what to do."""


@dataclass(frozen=True)
class LandingFile:
    """One landing file and the part to read: the bytes [``start``, ``num_bytes``).

    ``source`` is its path below the landing root, ``<YYYY-MM-DD>/<name>`` or with folders between. ``num_bytes`` is its
    size when it was listed, ``modified_us`` is in microseconds since 1970, ``first_line`` is the number of the line at
    ``start``. A gzip file is unpacked from its beginning: ``start`` is 0, and only the lines from ``first_line`` to
    ``last_line`` are taken.
    """

    source: str
    path: str
    landing_date: date
    num_bytes: int
    modified_us: int
    start: int = 0
    first_line: int = 1
    last_line: int | None = None


@dataclass(frozen=True)
class RefusedFile:
    """An entry of the area that is not read; ``problem`` is a sentence that says why and what to do.

    ``landing_date`` is the day of its folder, if it is in one.
    """

    source: str
    reason: Reason
    problem: str
    landing_date: date | None = None


@dataclass(frozen=True)
class Entry:
    """An entry of a listing; ``source`` is relative to the root, ``size`` is None if it is not a file."""

    source: str
    path: str
    size: int | None
    modified_us: int


def list_files(landing: str, ds: date | None = None) -> tuple[list[LandingFile], list[RefusedFile]]:
    """Files of the folders dated up to ``ds`` (all if None), and refused entries; both sorted by ``source``.

    Names that start with ``_`` or ``.`` and empty files are ignored. An area that does not exist has no files.
    """
    files, refused = [], []
    for entry in sorted(_entries(landing), key=lambda entry: entry.source):
        day = _day_of(entry.source)
        if ds is not None and day is not None and day > ds:
            continue
        judged = _judge(entry, day)
        if isinstance(judged, RefusedFile):
            refused.append(judged)
        elif judged is not None:
            files.append(judged)
    return files, refused


def _judge(entry: Entry, day: date | None) -> LandingFile | RefusedFile | None:
    if entry.source == SETTINGS or entry.size == 0:
        return None
    reason = _reason(entry, day)
    if reason is not None:
        return RefusedFile(entry.source, reason, PROBLEMS[reason], day)
    assert entry.size is not None, "what has none is refused"
    assert day is not None, "what lies in none is refused"
    return LandingFile(entry.source, entry.path, day, entry.size, entry.modified_us)


def _reason(entry: Entry, day: date | None) -> Reason | None:
    names = entry.source.split("/")[1:]
    rules: dict[Reason, bool] = {
        "not_a_file": entry.size is None,
        "not_in_a_day": not names,
        "not_a_day": day is None,
        "name_not_allowed": not all(map(_PLAIN_NAME.fullmatch, names)),
        "not_json_lines": LINE_FILE.search(entry.source) is None,
    }
    return next((reason for reason, is_broken in rules.items() if is_broken), None)


def _day_of(source: str) -> date | None:
    """The day of the folder of ``source``; None if it is not in the folder of a day."""
    folder, _, rest = source.partition("/")
    if not rest or _DAY.fullmatch(folder) is None:
        return None
    try:
        return date.fromisoformat(folder)
    except ValueError:
        return None


def _entries(landing: str) -> Iterator[Entry]:
    place = Place.parse(landing)
    yield from arrow_entries(place) if place.is_s3 else local_entries(place.local)


def local_entries(
    folder: str | Path, below: str = "", above: frozenset[tuple[int, int]] = frozenset()
) -> Iterator[Entry]:
    """Entries of a local folder and its subfolders; ``above`` are the parent folders, so that no link loops."""
    try:
        items = list(os.scandir(folder))
    except FileNotFoundError:
        return
    for item in items:
        if item.name.startswith(("_", ".")):
            continue
        source = below + item.name
        try:
            status = item.stat()
        except OSError:  # a broken link, or a loop
            yield Entry(source, item.path, None, 0)
            continue
        if stat.S_ISDIR(status.st_mode):
            place = (status.st_dev, status.st_ino)
            if place in above:
                yield Entry(source, item.path, None, 0)
            else:
                yield from local_entries(item.path, f"{source}/", above | {place})
        else:
            size = status.st_size if stat.S_ISREG(status.st_mode) else None
            yield Entry(source, item.path, size, status.st_mtime_ns // 1000)


def arrow_entries(place: Place) -> Iterator[Entry]:
    """Entries of an area as Arrow lists them; on S3 an object's time of change is when it was put, to the second."""
    store, root = file_system(place)
    selector = fs.FileSelector(root, recursive=True, allow_not_found=True)
    for item in store.get_file_info(selector):
        source = item.path[len(root) :].lstrip("/")
        is_hidden = any(part.startswith(("_", ".")) for part in source.split("/"))
        if item.type != fs.FileType.Directory and not is_hidden:
            yield Entry(source, str(place.below(source)), item.size, (item.mtime_ns or 0) // 1000)


def open_bytes(path: str) -> pa.NativeFile:
    """The file at a path of ``list_files``, for reading."""
    store, place = file_system(Place.parse(path))
    return store.open_input_file(place)
