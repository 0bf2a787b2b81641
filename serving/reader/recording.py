"""Write page records of a sample of the users, so that their pages can be replayed (``contracts/page_records.py``)."""

import hashlib
import logging
import os
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

from contracts.page_records import day_of, file_of
from contracts.settings import ReaderRules
from serving.reader.metrics import ReaderMetrics
from serving.reader.pages import FeedPage, FeedRequest
from serving.reader.records import record_of

_LOG = logging.getLogger(__name__)
_HASH_BYTES = 8


class PageRecorder:
    """Appends the pages of the sample to one file per day, which all processes of a machine may share.

    A user is in the sample if a hash of the id under a key made from ``secret`` falls below ``replay_share``: outsiders
    cannot tell who is in it. A page that cannot be written is counted and served all the same.
    """

    def __init__(
        self,
        folder: Path | None,
        rules: ReaderRules,
        secret: bytes,
        metrics: ReaderMetrics,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._folder = folder
        self._days = rules.replay_days
        self._max_bytes = rules.replay_mb * 2**20
        self._below = int(rules.replay_share * 256**_HASH_BYTES) if folder else 0
        self._key = hashlib.blake2b(secret, digest_size=32, person=b"page records").digest()
        self._metrics = metrics
        self._clock = clock
        self._day: date | None = None
        self._has_failed = False

    def has(self, user_id: int) -> bool:
        """Whether the user is in the sample."""
        digest = hashlib.blake2b(str(user_id).encode(), digest_size=_HASH_BYTES, key=self._key).digest()
        return int.from_bytes(digest) < self._below

    def note(self, request: FeedRequest, page: FeedPage) -> None:
        """Write the page down if its user is in the sample."""
        if self._below and self.has(request.user_id):
            now = self._clock()
            self._count(self._append(record_of(request, page, now).dumps(), datetime.fromtimestamp(now, UTC).date()))

    def sweep(self) -> None:
        """Remove files whose ``replay_days`` are over."""
        if self._folder is None or not self._folder.is_dir():
            return
        today = datetime.fromtimestamp(self._clock(), UTC).date()
        for path in self._folder.iterdir():
            day = day_of(path.name)
            if day is not None and (today - day).days >= self._days:
                path.unlink(missing_ok=True)

    def _append(self, line: str, day: date) -> str:
        """The outcome: ``written``, ``full`` or ``failed``."""
        assert self._folder is not None, "the sample is empty without a folder"
        try:
            if day != self._day:
                self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                self.sweep()
                self._day = day
            # Opened each time: an erasure may have removed the file.
            file = os.open(self._folder / file_of(day), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                content = f"{line}\n".encode()
                if os.fstat(file).st_size + len(content) > self._max_bytes:
                    return "full"
                os.write(file, content)
            finally:
                os.close(file)
        except OSError as error:
            if not self._has_failed:
                _LOG.error("pages of the sample cannot be recorded: %s", error)
            self._has_failed = True
            return "failed"
        self._has_failed = False
        return "written"

    def _count(self, outcome: str) -> None:
        self._metrics.page_records.labels(outcome).inc()
