"""What the reader keeps of Redis in its own memory: pointer, takedowns, and the public pools with all they need.

A snapshot is replaced as a whole, about once a second. With Redis gone the last one still answers.
"""

import asyncio
import contextlib
import logging
import time
from dataclasses import dataclass, replace

from contracts.epochs import Pointer, Pool, card_key, fallback_key, unpack_pool
from serving.reader.cards import Card, parse_card
from serving.reader.config import ReaderConfig
from serving.reader.metrics import ReaderMetrics
from serving.reader.selection import Level
from serving.reader.store import Store, StoreUnavailableError

_KINDS: tuple[Level, ...] = ("popular", "chronological")
_LOG = logging.getLogger(__name__)


class SnapshotError(Exception):
    """There is no usable epoch to take a snapshot of; the text says why."""


@dataclass(frozen=True)
class Snapshot:
    """One epoch's public side. ``blocked_users`` maps an author to the users blocked with them, in either direction."""

    pointer: Pointer
    taken_down: frozenset[int]
    pools: dict[Level, Pool]
    cards: dict[int, Card]
    blocked_users: dict[int, frozenset[int]]
    read_at: float
    blocks_read_at: float

    def knows(self, epoch: int) -> bool:
        """Whether ``epoch`` may still be served: it is the stable one or the one before."""
        return epoch in (self.pointer.stable, self.pointer.previous)

    def blocked_authors(self, user_id: int) -> frozenset[int]:
        """Authors of the public pools this user must not see, plus those whose blocks are unknown here."""
        authors = {author_id for pool in self.pools.values() for author_id in pool.columns["author_id"].tolist()}
        nobody: frozenset[int] = frozenset()
        return frozenset(
            author_id
            for author_id in authors
            if author_id not in self.blocked_users or user_id in self.blocked_users.get(author_id, nobody)
        )


class SnapshotKeeper:
    """Holds the current snapshot and refreshes it in the background; a failed refresh keeps the old one."""

    def __init__(self, store: Store, config: ReaderConfig, metrics: ReaderMetrics) -> None:
        self.current: Snapshot | None = None
        self._store = store
        self._config = config
        self._metrics = metrics
        self._lock = asyncio.Lock()
        self._stopping = asyncio.Event()  # not cancellation: redis-py swallows one that meets a read
        self._task: asyncio.Task[None] | None = None
        self._failing = False
        metrics.pointer_age.set_function(self._pointer_age)

    async def start(self) -> None:
        """Take the first snapshot, or go on without one, and keep refreshing."""
        await self.try_refresh()
        self._task = asyncio.create_task(self._run(), name="snapshot refresh")

    async def stop(self) -> None:
        """End the background refresh."""
        if self._task is not None:
            self._stopping.set()
            await self._task

    async def renew(self, seen: Snapshot) -> None:
        """Refresh because the epoch of ``seen`` is out of date; callers that saw the same epoch share the refresh."""
        async with self._lock:
            if self.current is None or self.current.pointer.stable == seen.pointer.stable:
                await self._try_refresh()

    async def try_refresh(self) -> bool:
        """Refresh; false, and the old snapshot stays, when Redis or the epoch in it cannot be read."""
        async with self._lock:
            return await self._try_refresh()

    async def _try_refresh(self) -> bool:
        try:
            await self._refresh()
        except (StoreUnavailableError, SnapshotError, ValueError) as error:
            self._metrics.refresh_failures.inc()
            if not self._failing:
                _LOG.warning("snapshot refresh failed, the old one stays: %s", error)
            self._failing = True
            return False
        if self._failing:
            _LOG.info("snapshot refresh works again")
        self._failing = False
        return True

    async def _refresh(self) -> None:
        """Read pointer and takedowns; on a new epoch also its public pools; now and then their authors' blocks."""
        pointer = await self._store.read_pointer()
        if pointer is None:
            raise SnapshotError("there is no epoch pointer")
        taken_down = await self._store.read_takedown()
        now = time.monotonic()
        old = self.current
        if old is None or old.pointer.stable != pointer.stable or not old.pools:
            fresh = await self._load(pointer, taken_down)
        elif now - old.blocks_read_at >= self._config.blocks_refresh_s:
            blocks = await self._store.read_blocks(_authors(old.pools))
            fresh = replace(old, blocked_users=blocks, blocks_read_at=now)
        else:
            fresh = old
        self.current = replace(fresh, pointer=pointer, taken_down=taken_down, read_at=now)
        self._metrics.epoch.set(pointer.stable)

    async def _load(self, pointer: Pointer, taken_down: frozenset[int]) -> Snapshot:
        epoch = pointer.stable
        values = await self._store.read_values([fallback_key(epoch, kind) for kind in _KINDS])
        pools: dict[Level, Pool] = {}
        for kind, value in zip(_KINDS, values, strict=True):
            pool = read_pool(value, epoch, self._metrics)
            if pool is not None:
                pools[kind] = pool
        post_ids = sorted({post_id for pool in pools.values() for post_id in pool.columns["post_id"].tolist()})
        cards: dict[int, Card] = {}
        values = await self._store.read_values([card_key(epoch, post_id) for post_id in post_ids])
        for post_id, value in zip(post_ids, values, strict=True):
            card = read_card(value, post_id, self._metrics)
            if card is not None:
                cards[post_id] = card
        blocks = await self._store.read_blocks(_authors(pools))
        now = time.monotonic()
        return Snapshot(pointer, taken_down, pools, cards, blocks, read_at=now, blocks_read_at=now)

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


def read_pool(value: bytes | None, epoch: int, metrics: ReaderMetrics) -> Pool | None:
    """The pool in ``value``; None when there is none, when it is damaged, or when it is of another epoch."""
    if value is None:
        return None
    damage = f"it is not of epoch {epoch}"
    try:
        pool = unpack_pool(value)
    except ValueError as error:
        damage = str(error)
    else:
        if pool.epoch == epoch:
            return pool
    metrics.damaged_pools.inc()
    _LOG.warning("pool cannot be read: %s", damage)
    return None


def read_card(value: bytes | None, post_id: int, metrics: ReaderMetrics) -> Card | None:
    """The card in ``value``; None when there is none or when it is damaged: that post is then not shown."""
    if value is None:
        metrics.cards.labels("absent").inc()
        return None
    try:
        return parse_card(value, post_id)
    except ValueError as error:
        metrics.cards.labels("damaged").inc()
        _LOG.warning("card cannot be read: %s", error)
        return None


def _authors(pools: dict[Level, Pool]) -> list[int]:
    return sorted({author_id for pool in pools.values() for author_id in pool.columns["author_id"].tolist()})
