"""One page of one user's feed: walk the levels, best first. Everything in a page is of one epoch."""

from collections import OrderedDict
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

from contracts.redis_keys import fallback_key, fresh_key, pool_key
from serving.reader.assembly import Source
from serving.reader.cursor import EXPIRED, Cursor, CursorError
from serving.reader.fallback import Snapshot, SnapshotKeeper
from serving.reader.pages import EpochGoneError, FeedPage, FeedRequest, PageFiller
from serving.reader.redis_calls import StoreUnavailableError
from serving.reader.refusals import Refusals
from serving.reader.selection import FeedFilter, Level, Suppression
from serving.reader.store import Store, UserRead

_PUBLIC_LEVELS: dict[FeedFilter, tuple[Level, ...]] = {
    "all": ("popular", "chronological"),
    "friends": ("popular", "chronological"),
    "pages": ("popular", "chronological"),
    "groups": ("popular", "chronological"),
    "chronological": ("chronological", "popular"),
}
_ATTEMPTS = 2
_NOTHING = Suppression()


class NothingToServeError(Exception):
    """No level holds a pool that can be read."""


class FeedReader:
    """Answers feed requests from Redis, and from the snapshot in memory when Redis does not answer."""

    def __init__(
        self, store: Store, keeper: SnapshotKeeper, filler: PageFiller, refusals: Refusals, remembered_users: int
    ) -> None:
        self._store = store
        self._keeper = keeper
        self._filler = filler
        self._refusals = refusals
        self._last_known: OrderedDict[int, Suppression] = OrderedDict()
        self._remembered_users = remembered_users

    async def page(self, request: FeedRequest) -> FeedPage:
        """One page; raises ``CursorError`` for a cursor that cannot go on, ``NothingToServeError`` without any pool."""
        cursor = None
        if request.cursor:
            cursor = self._filler.codec.open(request.cursor, request.user_id, request.feed_filter, request.arm)
        for _ in range(_ATTEMPTS):
            snapshot = await self._snapshot(cursor)
            try:
                return await self._online(request, snapshot, cursor)
            except StoreUnavailableError:
                break
            except EpochGoneError:
                if self._keeper.current is None or self._keeper.current.pointer == snapshot.pointer:
                    await self._keeper.renew()
        return await self._from_memory(request, await self._snapshot(cursor), cursor, _NOTHING)

    async def _snapshot(self, cursor: Cursor | None) -> Snapshot:
        """The snapshot to answer from, renewed where only a newer pointer names the epoch of ``cursor``."""
        snapshot = self._keeper.current
        if snapshot is not None and cursor is not None and not snapshot.pointer.names(cursor.epoch):
            try:
                is_named = (await self._store.check()).names(cursor.epoch)
            except StoreUnavailableError:
                is_named = False
            if is_named:
                await self._keeper.renew()
                snapshot = self._keeper.current
            if not is_named or (snapshot is not None and not snapshot.pointer.names(cursor.epoch)):
                raise CursorError(EXPIRED)
        if snapshot is None:
            raise NothingToServeError(f"no epoch has been read from Redis yet: {self._keeper.failure}")
        self._filler.keep_epochs_of(snapshot)
        return snapshot

    async def _online(self, request: FeedRequest, snapshot: Snapshot, cursor: Cursor | None) -> FeedPage:
        newest, _ = snapshot.pointer.epochs_for(request.user_id, request.arm)
        level, epoch = (cursor.level, cursor.epoch) if cursor else ("redis", newest)
        arms = (cursor.arm,) if cursor else _arms_of(request)
        fresh = fresh_key(epoch, request.user_id) if level == "redis" else None
        read = await self._store.read_user(_keys(level, epoch, request.user_id, arms), request.user_id, fresh)
        if cursor is None and snapshot.is_left_by(read.pointer, request.user_id, request.arm):
            raise EpochGoneError
        if not read.is_whole:
            asks = snapshot.lags_behind(read)
            return await self._from_memory(request, snapshot, cursor, read.suppression, ask_again=asks)
        self._remember(request.user_id, read.suppression)
        first = self._best(level, epoch, request, arms, read.pools)
        if first is not None and fresh is not None:
            first = replace(first, fresh=self._refusals.read_fresh(read.fresh, epoch, request.user_id))
        if cursor is not None:
            if first is None:
                raise CursorError(EXPIRED)
            return await self._fill(
                request, snapshot, replace(first, start=cursor.position, passed=cursor.passed), read
            )
        page: FeedPage | None = None
        async for source in self._sources(request, snapshot, first):
            page = await self._fill(request, snapshot, source, read)
            if page.posts or request.feed_filter != "all":
                return page
        if page is None:
            raise NothingToServeError(f"epoch {epoch} has no pool that can be read")
        return page

    def _best(
        self, level: Level, epoch: int, request: FeedRequest, arms: Sequence[str | None], replies: Sequence[object]
    ) -> Source | None:
        """The first pool that can be read: that of the user's arm comes before the common one."""
        owner = None if level in ("popular", "chronological") else request.user_id
        for arm, reply in zip(arms, replies, strict=True):
            pool = self._refusals.read_pool(reply, epoch, owner)
            if pool is not None:
                return Source(level, pool, arm=arm)
        return None

    async def _fill(self, request: FeedRequest, snapshot: Snapshot, source: Source, read: UserRead) -> FeedPage:
        """A page under what Redis says; public levels add the blocks that the snapshot knows."""
        suppression = read.suppression
        if source.level in ("popular", "chronological"):
            suppression = suppression.joined(Suppression(snapshot.blocked_authors(request.user_id)))
        asks = snapshot.lags_behind(read)
        return await self._filler.fill(request, snapshot, source, suppression, acts=read.acts, ask_again=asks)

    async def _sources(self, request: FeedRequest, snapshot: Snapshot, first: Source | None) -> AsyncIterator[Source]:
        """Pools to try for a first page, best first."""
        if first is not None:
            yield first
        arms = _arms_of(request)
        _, previous = snapshot.pointer.epochs_for(request.user_id, request.arm)
        source: Source | None = None
        try:
            pointer, replies = await self._store.read_pools(
                _keys("previous_epoch", previous or 0, request.user_id, arms)
            )
        except StoreUnavailableError:
            pass
        else:
            if snapshot.is_outdated_by(pointer):
                raise EpochGoneError
            if previous is not None:
                source = self._best("previous_epoch", previous, request, arms, replies)
        if source is not None:
            yield source
        for level in _PUBLIC_LEVELS[request.feed_filter]:
            if level in snapshot.pools:
                yield Source(level, snapshot.pools[level])

    async def _from_memory(
        self,
        request: FeedRequest,
        snapshot: Snapshot,
        cursor: Cursor | None,
        read: Suppression,
        *,
        ask_again: bool = False,
    ) -> FeedPage:
        """A page of a public pool in memory, without posts that are known to be withheld from the user.

        This process knows what Redis said of the user before and now (``read``), and the blocks of the pools' authors.
        An author whose blocks are unknown is left out.
        """
        known = self._last_known.get(request.user_id, _NOTHING).joined(read)
        blocked = snapshot.blocked_authors(request.user_id) | snapshot.unknown_authors
        suppression = known.joined(Suppression(blocked))
        page: FeedPage | None = None
        for level in _PUBLIC_LEVELS[request.feed_filter]:
            if level not in snapshot.pools or (cursor and cursor.level in snapshot.pools and cursor.level != level):
                continue
            pool = snapshot.pools[level]
            continues = cursor is not None and cursor.level == level and cursor.epoch == pool.epoch
            source = Source(level, pool, cursor.position if cursor and continues else 0)
            page = await self._filler.fill(request, snapshot, source, suppression, ask_again=ask_again, offline=True)
            if page.posts or continues:
                return page
        if page is None:
            raise NothingToServeError("Redis does not answer and no public pool is in memory")
        return page

    def _remember(self, user_id: int, suppression: Suppression) -> None:
        self._last_known[user_id] = suppression
        self._last_known.move_to_end(user_id)
        if len(self._last_known) > self._remembered_users:
            self._last_known.popitem(last=False)


def _arms_of(request: FeedRequest) -> tuple[str | None, ...]:
    """Whose pools to ask for, best first. An arm has a pool only for users whose pool differs from the common one."""
    return (None,) if request.arm is None else (request.arm, None)


def _keys(level: Level, epoch: int, user_id: int, arms: Sequence[str | None]) -> list[str]:
    """The keys of a level's pools, one for each arm; public pools have none."""
    if level in ("popular", "chronological"):
        return [fallback_key(epoch, level)]
    return [pool_key(epoch, user_id, arm) for arm in arms]
