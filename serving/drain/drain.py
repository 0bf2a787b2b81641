"""Moves the stream to the landing area in batches, each exactly once, wherever the process is killed.

A batch is the entries up to a certain id. That id is noted in the stream's Redis before any file is written, so a rerun
takes the same entries. Files are named by their content, so a rerun finds those that exist already. When all files are
on disk, the entries and the note are deleted together.
"""

import fcntl
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from contracts.collector_keys import DRAINING, STREAM
from contracts.settings import DrainRules
from serving.drain.entries import Entry, sort_entries
from serving.drain.landed_files import ASIDE, remove_leftovers, write_lines

_LOG = logging.getLogger(__name__)
_ENTRIES_PER_READ = 100


class DrainFailed(Exception):  # noqa: N818 - what the operator reads
    """A pass failed. Nothing is lost: the entries stay in the stream for the next pass. The text says what to do."""


@dataclass(frozen=True)
class Drained:
    """What one pass moved."""

    num_entries: int = 0
    num_events: int = 0
    num_aside: int = 0
    num_files: int = 0

    def __add__(self, other: "Drained") -> "Drained":
        """Both together."""
        return Drained(
            self.num_entries + other.num_entries,
            self.num_events + other.num_events,
            self.num_aside + other.num_aside,
            self.num_files + other.num_files,
        )


def connect(url: str, rules: DrainRules) -> Any:
    """A client with bounded waits and no retries: a pass that fails is run again."""
    timeout = rules.redis_timeout_s
    retry = Retry(NoBackoff(), 0)
    return redis.Redis.from_url(url, socket_timeout=timeout, socket_connect_timeout=timeout, retry=retry)


@contextmanager
def only_drain(landing: Path) -> Iterator[None]:
    """Holds the landing area's lock, and clears up after a killed drain.

    Raises ``DrainFailed`` if another drain has the lock.
    """
    landing.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(landing / "_drain.lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise DrainFailed(f"another drain writes to {landing}: end it, or leave the work to it") from None
    try:
        remove_leftovers(landing)
        yield
    finally:
        os.close(descriptor)


def drain(client: Any, landing: Path, rules: DrainRules) -> Drained:
    """Move what is in the stream when this starts, batch by batch; raises ``DrainFailed``."""
    total = Drained()
    try:
        num_left = client.xlen(STREAM)
        while num_left > 0 or client.exists(DRAINING):
            moved = _move_batch(client, landing, rules)
            num_left -= max(moved.num_entries, 1)
            total += moved
    except redis.RedisError as error:
        raise DrainFailed(f"the stream's Redis does not answer: {type(error).__name__}: {error}") from error
    except OSError as error:
        raise DrainFailed(f"{landing} cannot be written: {error.strerror or error}: make room, then go on") from error
    return total


def _move_batch(client: Any, landing: Path, rules: DrainRules) -> Drained:
    last = client.get(DRAINING)
    entries = _read_batch(client, rules, last.decode() if last else None)
    if entries and last is None:
        client.set(DRAINING, entries[-1].id)
    moved = _write(entries, landing)
    # What is deleted is what was read, so that nothing else can go with it.
    pipe = client.pipeline(transaction=True)
    if entries:
        pipe.xdel(STREAM, *(entry.id for entry in entries))
    pipe.delete(DRAINING)
    pipe.execute()
    return moved


def _read_batch(client: Any, rules: DrainRules, last: str | None) -> list[Entry]:
    """Entries from the beginning of the stream up to ``last``; if that is None, as many as one file holds."""
    entries: list[Entry] = []
    num_bytes, start = 0, "-"
    while True:
        count = _ENTRIES_PER_READ if last else min(_ENTRIES_PER_READ, rules.file_events - len(entries))
        read = [Entry(one.decode(), fields) for one, fields in client.xrange(STREAM, start, last or "+", count)]
        entries += read
        num_bytes += sum(entry.num_bytes for entry in read)
        is_full = last is None and (len(entries) >= rules.file_events or num_bytes >= rules.file_bytes)
        if len(read) < count or is_full:
            return entries
        start = f"({read[-1].id}"


def _write(entries: list[Entry], landing: Path) -> Drained:
    found = sort_entries(entries)
    if found.aside:
        path = _write_file(landing / ASIDE, found.aside)
        _LOG.error("%d entries of the stream are no events, see %s", len(found.aside), path)
    for day, lines in sorted(found.by_day.items()):
        _write_file(landing / day, lines)
    num_events = sum(map(len, found.by_day.values()))
    return Drained(len(entries), num_events, len(found.aside), len(found.by_day) + bool(found.aside))


def _write_file(folder: Path, lines: list[tuple[str, bytes]]) -> Path:
    return write_lines(folder, lines[0][0], lines[-1][0], [line for _, line in lines])
