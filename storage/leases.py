"""One writer per table on S3: the writer holds the table's lease, an object that is put only if there is none.

The holder renews its lease while it runs. A lease that is not renewed for ``LASTS_S`` belongs to a killed writer, and
the next writer takes it. Both measure time by what they saw themselves, so clocks need not agree. A disk needs no
lease: a rename keeps two commits apart. ``docs/adr/0023`` names the cases that this covers.
"""

import atexit
import json
import os
import socket
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from contracts.places import Place

LASTS_S = 60.0
"""Seconds that a lease lasts after its last renewal: the longest that a killed writer blocks others."""

RENEWED_S = 10.0
"""Seconds between two renewals; a second writer watches for one, so it is refused after at most this long."""

TRUSTED_S = 40.0
"""Seconds after a renewal for which a holder trusts its lease, so that it stops before another writer may begin."""

OWNER = "FEEDLAKE_WRITER"
"""Variable that names the writer to its child processes, such as training."""


class TableIsWritten(RuntimeError):  # noqa: N818 - what the operator reads
    """Another writer is writing the table; the message names both and the next step."""


@dataclass
class Lease:
    """A held lease: the object's ETag, and the time of its last renewal by the holder's own clock."""

    etag: str
    renewed: float


@dataclass
class Leases:
    """The leases that one writer holds, by table; ``at_work`` is its command, for messages."""

    owner: str
    at_work: str
    lasts_s: float = LASTS_S
    renewed_s: float = RENEWED_S
    _held: dict[Place, Lease] = field(default_factory=dict)
    _lock: Any = field(default_factory=threading.Lock)
    _ended: threading.Event = field(default_factory=threading.Event)
    _renewer: threading.Thread | None = None

    @contextmanager
    def writing(self, table: Place) -> Iterator[None]:
        """Hold the table's lease from here on; raises ``TableIsWritten`` if another writer holds it.

        At the end the lease must still be held; otherwise another writer may have written in between, and the write
        counts as failed.
        """
        if not table.is_s3:
            yield
            return
        self.hold(table)
        yield
        if not self._is_trusted(table):
            raise TableIsWritten(
                f"{table}: the lease on it could not be renewed while {self.at_work} wrote: run it again"
            )

    def hold(self, table: Place) -> None:
        """Take the table's lease, unless it is held already."""
        if not self._is_trusted(table):
            self._held[table] = self._take(table)
        with self._lock:
            if self._renewer is None:
                self._renewer = threading.Thread(target=self._renew_all, name="leases", daemon=True)
                self._renewer.start()

    def release(self, table: Place) -> None:
        """Release the table's lease, if it is held."""
        is_trusted = self._is_trusted(table)
        if self._held.pop(table, None) is not None and is_trusted:
            _delete(table)

    def release_all(self) -> None:
        """Release all leases at the end of a job; a lease that cannot be released expires."""
        self._ended.set()
        for table in list(self._held):
            try:
                self.release(table)
            except Exception as error:  # noqa: BLE001 - the job's own outcome counts
                print(f"leases: {table} is not released: {error}", file=sys.stderr)
        with self._lock:
            self._renewer, self._ended = None, threading.Event()

    def _is_trusted(self, table: Place) -> bool:
        lease = self._held.get(table)
        return lease is not None and time.monotonic() - lease.renewed < self.lasts_s * TRUSTED_S / LASTS_S

    def _take(self, table: Place) -> Lease:
        """Put the lease if there is none; else watch the existing one until it is renewed, expires or is released."""
        watched, since = None, time.monotonic()
        while True:
            lease = _put(table, self._content(), IfNoneMatch="*")
            if lease is not None:
                return lease
            existing = _read(table)
            if existing is None:
                continue
            etag, holder = existing
            now = time.monotonic()
            if watched is not None and watched != etag and holder["owner"] != self.owner:
                raise TableIsWritten(self._refusal(table, holder))
            if watched != etag:
                watched, since = etag, now
            if holder["owner"] == self.owner or now - since >= self.lasts_s:
                lease = _put(table, self._content(), IfMatch=etag)
                if lease is not None:
                    return lease
            time.sleep(min(0.5, self.renewed_s / 4))

    def _refusal(self, table: Place, holder: dict[str, Any]) -> str:
        return (
            f"{table} is being written by {holder['at_work']} (process {holder['process']} on {holder['host']}), and "
            f"S3 allows one writer per table: {self.at_work} is refused; run it again when that has ended. Where it "
            f"was killed, that is {self.lasts_s:.0f} s later"
        )

    def _content(self) -> bytes:
        holder = {"owner": self.owner, "at_work": self.at_work, "process": os.getpid(), "host": socket.gethostname()}
        # A unique value gives each renewal another ETag.
        return json.dumps(holder | {"renewal": uuid.uuid4().hex}).encode()

    def _renew_all(self) -> None:
        ended = self._ended
        while not ended.wait(self.renewed_s):
            try:
                for table in list(self._held):
                    self._renew(table)
            except Exception as error:  # noqa: BLE001 - the next renewal may succeed; until then the leases last
                print(f"leases are not renewed: {error}", file=sys.stderr)

    def _renew(self, table: Place) -> None:
        lease = self._held.get(table)
        if lease is None:
            return
        renewed = _put(table, self._content(), IfMatch=lease.etag)
        if renewed is None:  # another writer has taken it, or a child process has renewed it
            existing = _read(table)
            is_own = existing is not None and existing[1]["owner"] == self.owner
            renewed = _put(table, self._content(), IfMatch=existing[0]) if existing is not None and is_own else None
        if table not in self._held:  # released meanwhile
            return
        if renewed is None:
            del self._held[table]
        else:
            self._held[table] = renewed


@cache
def leases_of_process() -> Leases:
    """The leases of this process, or of the writer that it works for; released when it ends."""
    owner = os.environ.get(OWNER)
    leases = Leases(owner or uuid.uuid4().hex, " ".join(Path(word).name for word in sys.argv[:4]))
    os.environ[OWNER] = leases.owner
    if owner is None:
        atexit.register(leases.release_all)
    return leases


def _key(table: Place) -> str:
    """The lease's key, outside the tables' folders, so that Delta readers do not see it."""
    folder, _, name = table.key.rpartition("/")
    return f"{folder}/_writers/{name}.json".lstrip("/")


def _store(table: Place) -> Any:
    assert table.is_s3, "there are no leases on a disk"
    from storage.s3 import client  # noqa: PLC0415 - on a disk, there need be no boto3

    return client()


def _put(table: Place, content: bytes, **condition: str) -> Lease | None:
    """The lease, timed from before the put; None if the condition fails."""
    from botocore.exceptions import ClientError  # noqa: PLC0415

    from storage.s3 import storage_errors  # noqa: PLC0415

    started = time.monotonic()
    with storage_errors(table):
        try:
            answer = _store(table).put_object(Bucket=table.bucket, Key=_key(table), Body=content, **condition)
        except ClientError as error:
            if error.response["Error"]["Code"] in ("PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey"):
                return None
            raise
    return Lease(answer["ETag"], started)


def _delete(table: Place) -> None:
    from storage.s3 import storage_errors  # noqa: PLC0415

    with storage_errors(table):
        _store(table).delete_object(Bucket=table.bucket, Key=_key(table))


def _read(table: Place) -> tuple[str, dict[str, Any]] | None:
    from storage.s3 import storage_errors  # noqa: PLC0415

    try:
        with storage_errors(table):
            answer = _store(table).get_object(Bucket=table.bucket, Key=_key(table))
            return str(answer["ETag"]), json.loads(answer["Body"].read())
    except FileNotFoundError:
        return None
