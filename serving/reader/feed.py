"""One page of one user's feed: walk the levels, suppress, page, hydrate. Everything in a page is of one epoch."""

import time
from collections import OrderedDict
from collections.abc import AsyncIterator
from dataclasses import dataclass

from contracts.epochs import Pool, fallback_key, pool_key
from serving.reader.cards import Card, CardCache, render_post
from serving.reader.config import ReaderConfig
from serving.reader.cursor import EXPIRED, Cursor, CursorCodec, CursorError
from serving.reader.fallback import Snapshot, SnapshotKeeper, read_card, read_pool
from serving.reader.metrics import ReaderMetrics
from serving.reader.selection import FeedFilter, Level, Suppression, select
from serving.reader.store import Store, StoreUnavailableError

_PUBLIC_LEVELS: dict[FeedFilter, tuple[Level, ...]] = {
    "all": ("popular", "chronological"),
    "friends": ("popular", "chronological"),
    "pages": ("popular", "chronological"),
    "groups": ("popular", "chronological"),
    "chronological": ("chronological", "popular"),
}
_ATTEMPTS = 2


class NothingToServeError(Exception):
    """No level holds a pool that can be read."""


class _EpochGoneError(Exception):
    """The epoch being read is no longer served: start over with the new pointer."""


@dataclass(frozen=True)
class FeedRequest:
    """What was asked for; ``count`` is 1 to 50."""

    user_id: int
    count: int = 20
    wanted: FeedFilter = "all"
    cursor: str | None = None


@dataclass(frozen=True)
class FeedPage:
    """The answer; ``posts`` are JSON objects, ``generated_at`` is Unix seconds."""

    posts: list[bytes]
    next_cursor: str | None
    epoch: int
    served_from: Level
    generated_at: int


@dataclass(frozen=True)
class _Source:
    """A pool to serve from, and where in it to start."""

    level: Level
    pool: Pool
    start: int = 0


class FeedReader:
    """Answers feed requests from Redis, and from the snapshot in memory when Redis does not answer."""

    def __init__(
        self, store: Store, keeper: SnapshotKeeper, codec: CursorCodec, metrics: ReaderMetrics, config: ReaderConfig
    ) -> None:
        self._store = store
        self._keeper = keeper
        self._codec = codec
        self._metrics = metrics
        self._cards = CardCache(config.card_cache_bytes)
        self._last_known: OrderedDict[int, Suppression] = OrderedDict()
        self._remembered_users = config.remembered_users
        self._epochs: set[int] = set()
        metrics.card_bytes.set_function(lambda: self._cards.num_bytes)

    async def page(self, request: FeedRequest) -> FeedPage:
        """One page; raises ``CursorError`` for a cursor that cannot go on, ``NothingToServeError`` without any pool."""
        cursor = self._codec.open(request.cursor, request.user_id, request.wanted) if request.cursor else None
        for _ in range(_ATTEMPTS):
            snapshot = await self._snapshot(cursor)
            try:
                return await self._online(request, snapshot, cursor)
            except StoreUnavailableError:
                break
            except _EpochGoneError:
                await self._keeper.renew(snapshot)
        return await self._offline(request, await self._snapshot(cursor), cursor)

    async def _snapshot(self, cursor: Cursor | None) -> Snapshot:
        """The snapshot to answer from; a cursor of an epoch it does not know asks Redis once for a newer one."""
        snapshot = self._keeper.current
        if snapshot is not None and cursor is not None and not snapshot.knows(cursor.epoch):
            await self._keeper.renew(snapshot)
            snapshot = self._keeper.current
            if snapshot is not None and not snapshot.knows(cursor.epoch):
                raise CursorError(EXPIRED)
        if snapshot is None:
            raise NothingToServeError("no epoch has been read from Redis yet")
        epochs = {snapshot.pointer.stable, snapshot.pointer.previous or 0}
        if epochs != self._epochs:
            self._cards.keep_epochs(epochs)
            self._epochs = epochs
        return snapshot

    async def _online(self, request: FeedRequest, snapshot: Snapshot, cursor: Cursor | None) -> FeedPage:
        level, epoch = (cursor.level, cursor.epoch) if cursor else ("redis", snapshot.pointer.stable)
        read = await self._store.read_user(_key(level, epoch, request.user_id), request.user_id)
        self._remember(request.user_id, read.suppression)
        takedown_changed = read.num_taken_down != len(snapshot.taken_down)
        first = read_pool(read.pool, epoch, self._metrics)
        if cursor is not None:
            if first is None:
                raise CursorError(EXPIRED)
            source = _Source(level, first, cursor.position)
            return await self._fill(request, snapshot, source, read.suppression, ask_takedown=takedown_changed)
        page: FeedPage | None = None
        async for source in self._sources(request, snapshot, first):
            page = await self._fill(request, snapshot, source, read.suppression, ask_takedown=takedown_changed)
            if page.posts or request.wanted != "all":
                return page
        if page is None:
            raise NothingToServeError(f"epoch {epoch} has no pool that can be read")
        return page

    async def _sources(self, request: FeedRequest, snapshot: Snapshot, first: Pool | None) -> AsyncIterator[_Source]:
        """Pools to try for a first page, best first."""
        if first is not None:
            yield _Source("redis", first)
        previous = snapshot.pointer.previous
        try:
            pointer, value = await self._store.read_previous(pool_key(previous or 0, request.user_id))
        except StoreUnavailableError:
            pointer, value = None, None
        if pointer is not None and pointer.stable != snapshot.pointer.stable:
            raise _EpochGoneError
        if previous is not None:
            pool = read_pool(value, previous, self._metrics)
            if pool is not None:
                yield _Source("previous_epoch", pool)
        for level in _PUBLIC_LEVELS[request.wanted]:
            if level in snapshot.pools:
                yield _Source(level, snapshot.pools[level])

    async def _offline(self, request: FeedRequest, snapshot: Snapshot, cursor: Cursor | None) -> FeedPage:
        """A page of a public pool from memory alone, with the last blocks and hidden posts this process has seen."""
        known = self._last_known.get(request.user_id, Suppression())
        suppression = Suppression(known.blocked | snapshot.blocked_authors(request.user_id), known.hidden)
        page: FeedPage | None = None
        for level in _PUBLIC_LEVELS[request.wanted]:
            if level not in snapshot.pools or (cursor and cursor.level in snapshot.pools and cursor.level != level):
                continue
            pool = snapshot.pools[level]
            continues = cursor is not None and cursor.level == level and cursor.epoch == pool.epoch
            source = _Source(level, pool, cursor.position if cursor and continues else 0)
            page = await self._fill(request, snapshot, source, suppression, offline=True)
            if page.posts or continues:
                return page
        if page is None:
            raise NothingToServeError("Redis does not answer and no public pool is in memory")
        return page

    async def _fill(
        self,
        request: FeedRequest,
        snapshot: Snapshot,
        source: _Source,
        suppression: Suppression,
        *,
        ask_takedown: bool = False,
        offline: bool = False,
    ) -> FeedPage:
        """Select, hydrate and render up to ``count`` posts; a post without a card is passed over."""
        pool, public_only = source.pool, source.level != "redis"
        post_ids: list[int] = pool.columns["post_id"].tolist()
        taken_down = snapshot.taken_down
        if ask_takedown:
            taken_down |= await self._store.read_taken_down(post_ids)
        selection = select(pool, request.wanted, source.start, suppression, taken_down, public_only=public_only)
        for kind, count in selection.suppressed.items():
            if count:
                self._metrics.suppressed.labels(kind).inc(count)
        scores, reasons = pool.columns["score"].tolist(), pool.columns["reason"].tolist()
        rows, taken = selection.rows, 0
        posts: list[bytes] = []
        while taken < len(rows) and len(posts) < request.count:
            batch = rows[taken : taken + request.count - len(posts)]
            taken += len(batch)
            cards = await self._hydrate(snapshot, pool.epoch, [post_ids[row] for _, row in batch], offline=offline)
            for (_, row), card in zip(batch, cards, strict=True):
                if card is not None and (card.is_public or not public_only):
                    posts.append(render_post(card, scores[row], reasons[row]))
        next_cursor = None
        if taken < len(rows):
            cursor = Cursor(pool.epoch, source.level, rows[taken - 1][0] + 1)
            next_cursor = self._codec.seal(cursor, request.user_id, request.wanted)
        self._metrics.staleness.set(max(0.0, time.time() - pool.generated_at))
        return FeedPage(posts, next_cursor, pool.epoch, source.level, pool.generated_at)

    async def _hydrate(
        self, snapshot: Snapshot, epoch: int, post_ids: list[int], *, offline: bool
    ) -> list[Card | None]:
        pinned = snapshot.cards if epoch == snapshot.pointer.stable or offline else {}
        cards = {post_id: pinned.get(post_id) or self._cards.get(epoch, post_id) for post_id in post_ids}
        unseen = [post_id for post_id, card in cards.items() if card is None]
        self._metrics.cards.labels("hit").inc(len(cards) - len(unseen))
        if unseen and not offline:
            self._metrics.cards.labels("miss").inc(len(unseen))
            values = await self._store.read_cards(epoch, unseen)
            if None in values:
                pointer, _ = await self._store.read_previous(fallback_key(epoch, "popular"))
                if pointer is not None and pointer.stable != snapshot.pointer.stable:
                    raise _EpochGoneError
            for post_id, value in zip(unseen, values, strict=True):
                card = read_card(value, post_id, self._metrics)
                if card is not None:
                    self._cards.put(epoch, post_id, card)
                    cards[post_id] = card
        return [cards[post_id] for post_id in post_ids]

    def _remember(self, user_id: int, suppression: Suppression) -> None:
        self._last_known[user_id] = suppression
        self._last_known.move_to_end(user_id)
        if len(self._last_known) > self._remembered_users:
            self._last_known.popitem(last=False)


def _key(level: Level, epoch: int, user_id: int) -> str:
    return fallback_key(epoch, level) if level in ("popular", "chronological") else pool_key(epoch, user_id)
