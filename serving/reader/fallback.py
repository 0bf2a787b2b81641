"""The reader's snapshot of Redis in memory: pointer, takedowns, narrowed posts, and whole public pools.

A snapshot is replaced as a whole, about once a second. If Redis fails, the last one still answers.
"""

import asyncio
import contextlib
import logging
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from contracts.epochs import MAX_CARD_BYTES, MAX_POOL_BYTES, Pool
from contracts.pointer import Pointer
from contracts.redis_key_kind import FALLBACKS
from contracts.redis_keys import FRESHNESS_KEY, card_key, fallback_key
from serving.reader.cards import Card
from serving.reader.config import ReaderConfig
from serving.reader.metrics import ReaderMetrics
from serving.reader.narrowing import Narrowed
from serving.reader.redis_calls import StoreUnavailableError
from serving.reader.refusals import Refusals
from serving.reader.selection import Level
from serving.reader.store import Store, UserRead
from serving.reader.values import MAX_INSTANT_DIGITS

_LOG = logging.getLogger(__name__)


class SnapshotError(Exception):
    """There is no usable epoch to take a snapshot of; the text says why."""


@dataclass(frozen=True)
class Snapshot:
    """One epoch's public side. ``blocked_users`` maps an author to the users blocked with them, in either direction.

    ``num_taken_down`` is the size of the takedown set, members that are no ids included. ``contents`` holds the bytes
    of each public pool, or None if the pool is missing. ``refused`` is the stable epoch of a newer pointer if none of
    its public pools could be read.
    """

    pointer: Pointer
    taken_down: frozenset[int]
    num_taken_down: int
    pools: dict[Level, Pool]
    cards: dict[int, Card]
    contents: tuple[bytes | None, ...]
    blocked_users: dict[int, frozenset[int]]
    read_at: float
    blocks_read_at: float
    refused: int | None = None
    narrowed: Narrowed = field(default_factory=Narrowed)

    def is_outdated_by(self, pointer: Pointer) -> bool:
        """Whether ``pointer`` differs from this one, and this process has not failed to read its stable epoch."""
        return pointer != self.pointer and pointer.stable != self.refused

    def is_left_by(self, pointer: Pointer, user_id: int, arm: str | None) -> bool:
        """Whether the user reads another epoch now because a canary or an arm moved, or theirs is no longer served.

        A new stable epoch alone does not count: the old one is kept, and its successor is read in the background.
        """
        if pointer == self.pointer or not self.is_outdated_by(pointer):
            return False
        epoch, _ = self.pointer.epochs_for(user_id, arm)
        if pointer.stable != self.pointer.stable:
            return not pointer.names(epoch)
        return pointer.epochs_for(user_id, arm)[0] != epoch

    def lags_behind(self, read: UserRead) -> bool:
        """Whether takedowns or narrowed posts have changed since they were read into memory."""
        return (read.num_taken_down, read.num_narrowed) != (self.num_taken_down, self.narrowed.size)

    @cached_property
    def authors(self) -> frozenset[int]:
        """Authors of the public pools."""
        return _authors(self.pools)

    @cached_property
    def unknown_authors(self) -> frozenset[int]:
        """Authors of the public pools whose blocks are not known here."""
        return self.authors - self.blocked_users.keys()

    def blocked_authors(self, user_id: int) -> frozenset[int]:
        """Authors of the public pools that are known to be blocked with this user."""
        return frozenset(author_id for author_id, users in self.blocked_users.items() if user_id in users)


class SnapshotKeeper:
    """Holds the current snapshot and refreshes it in the background; a failed refresh keeps the old one."""

    def __init__(self, store: Store, config: ReaderConfig, metrics: ReaderMetrics, refusals: Refusals) -> None:
        self.current: Snapshot | None = None
        self.failure = ""  # why the last refresh failed
        self._refusals = refusals
        self._num_begun = 0
        self._store = store
        self._config = config
        self._metrics = metrics
        self._lock = asyncio.Lock()
        self._stopping = asyncio.Event()  # not cancellation: redis-py swallows one that meets a read
        self._task: asyncio.Task[None] | None = None
        self._fresh_at = math.nan  # when the newest pass of fresh read the landing area, in Unix seconds
        metrics.pointer_age.set_function(self._pointer_age)
        metrics.fresh_age.set_function(lambda: time.time() - self._fresh_at)

    async def start(self) -> None:
        """Take the first snapshot, or go on without one, and keep refreshing."""
        await self.try_refresh()
        self._task = asyncio.create_task(self._run(), name="snapshot refresh")

    async def stop(self) -> None:
        """End the background refresh."""
        if self._task is not None:
            self._stopping.set()
            await self._task

    async def renew(self) -> None:
        """Refresh; all waiting callers share the first refresh that begins after their call."""
        number = self._num_begun + 1
        async with self._lock:
            if self._num_begun < number:
                await self._try_refresh()

    async def try_refresh(self) -> bool:
        """Refresh; false, and the old snapshot stays, when Redis or the epoch in it cannot be read."""
        async with self._lock:
            return await self._try_refresh()

    async def _try_refresh(self) -> bool:
        self._num_begun += 1
        try:
            await self._refresh()
        except (StoreUnavailableError, SnapshotError) as error:
            self._metrics.refresh_failures.inc()
            if not self.failure:
                _LOG.warning("snapshot refresh failed, the old one stays: %s", error)
            self.failure = str(error)
            return False
        if self.failure:
            _LOG.info("snapshot refresh works again")
        self.failure = ""
        return True

    async def _refresh(self) -> None:
        """Read pointer, takedowns, narrowed posts, and public pools; now and then the blocks of their authors."""
        pointer = await self._store.read_pointer()
        fresh = await self._with_pools(pointer, self.current)
        now = time.monotonic()
        if now - fresh.blocks_read_at >= self._config.blocks_refresh_s:
            blocks = await self._store.read_blocks(sorted(fresh.authors))
            fresh = replace(fresh, blocked_users=blocks, blocks_read_at=now)
        taken_down, narrowed = await self._store.read_takedown(), await self._store.narrowed.read_all()
        # What was read in between counts only if the data are still there.
        await self._store.read_pointer()
        count = len(taken_down.ids) + taken_down.num_damaged
        fresh = replace(fresh, taken_down=taken_down.ids, num_taken_down=count, narrowed=narrowed)
        self.current = replace(fresh, read_at=now)
        self._metrics.epoch.set(fresh.pointer.stable)
        await self._read_freshness()

    async def _read_freshness(self) -> None:
        """For a metric only: in a cluster another master may hold it, whose silence must not stop a refresh."""
        try:
            (freshness,) = await self._store.read_values([FRESHNESS_KEY], MAX_INSTANT_DIGITS)
        except StoreUnavailableError:
            return
        self._fresh_at = self._refusals.read_instant(freshness)

    async def _with_pools(self, pointer: Pointer, old: Snapshot | None) -> Snapshot:
        """The pools of the pointer's stable epoch: the old ones, unless the epoch is another one or they have changed.

        An erasure changes them within an epoch, and the erased posts are not in ``takedown`` for long.
        """
        keys = [fallback_key(pointer.stable, kind) for kind in FALLBACKS]
        replies = await self._store.read_values(keys, MAX_POOL_BYTES)
        of_same_epoch = old if old is not None and old.pointer.stable == pointer.stable else None
        if of_same_epoch is not None and of_same_epoch.contents == _contents(replies):
            return replace(of_same_epoch, pointer=pointer, refused=None)
        try:
            return await self._load(pointer, replies)
        except SnapshotError as error:
            self._refusals.note("epoch", str(error))
            if of_same_epoch is not None:
                return replace(of_same_epoch, pointer=pointer, refused=None)
            if old is None:
                raise
            return replace(old, refused=pointer.stable)

    async def _load(self, pointer: Pointer, replies: Sequence[object]) -> Snapshot:
        """The public side of the stable epoch, whose pools are in ``replies``.

        Raises ``SnapshotError`` if none of its pools can be read.
        """
        epoch, read = pointer.stable, self._store.read_values
        pools: dict[Level, Pool] = {}
        for kind, reply in zip(FALLBACKS, replies, strict=True):
            pool = self._refusals.read_pool(reply, epoch, owner=None)
            if pool is not None:
                pools[kind] = pool
        if not pools:
            raise SnapshotError(f"epoch {epoch} has no public pool that can be read")
        post_ids = sorted({post_id for pool in pools.values() for post_id in pool.columns["post_id"].tolist()})
        cards: dict[int, Card] = {}
        found = await read([card_key(epoch, post_id) for post_id in post_ids], MAX_CARD_BYTES)
        for post_id, reply in zip(post_ids, found, strict=True):
            card = self._refusals.read_card(reply, post_id)
            if card is not None:
                cards[post_id] = card
        blocks = await self._store.read_blocks(sorted(_authors(pools)))
        now = time.monotonic()
        contents = _contents(replies)
        return Snapshot(pointer, frozenset(), 0, pools, cards, contents, blocks, read_at=now, blocks_read_at=now)

    async def _run(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), self._config.refresh_s)
            if self._stopping.is_set():
                return
            try:
                await self.try_refresh()
            except Exception:  # noqa: BLE001 - the loop must outlive any surprise
                _LOG.exception("snapshot refresh failed in an unforeseen way")

    def _pointer_age(self) -> float:
        return time.monotonic() - self.current.read_at if self.current else float("nan")


def _contents(replies: Sequence[object]) -> tuple[bytes | None, ...]:
    return tuple(reply if isinstance(reply, bytes) else None for reply in replies)


def _authors(pools: dict[Level, Pool]) -> frozenset[int]:
    return frozenset(author_id for pool in pools.values() for author_id in pool.columns["author_id"].tolist())
