"""Fill one page from one pool: find the cards that its assembly asks for, and seal the next cursor."""

import time
from dataclasses import dataclass

from serving.reader.acts import Acts
from serving.reader.assembly import Assembled, Assembly, PageInputs, Source
from serving.reader.cards import Card, CardCache
from serving.reader.cursor import Cursor, CursorCodec
from serving.reader.fallback import Snapshot
from serving.reader.metrics import ReaderMetrics
from serving.reader.refusals import Refusals
from serving.reader.selection import FeedFilter, Suppression
from serving.reader.store import Store


class EpochGoneError(Exception):
    """The epoch being read is no longer served: start over with the new pointer."""


@dataclass(frozen=True)
class FeedRequest:
    """What was asked for; ``count`` is 1 to 50. ``arm`` is the user's, of an experiment."""

    user_id: int
    count: int = 20
    feed_filter: FeedFilter = "all"
    cursor: str | None = None
    arm: str | None = None


@dataclass(frozen=True)
class FeedPage:
    """The answer, and what it was assembled from; ``snapshot_epoch`` is the stable epoch that this process knew."""

    inputs: PageInputs
    assembled: Assembled
    next_cursor: str | None
    snapshot_epoch: int

    @property
    def source(self) -> Source:
        """The pool that it shows."""
        return self.inputs.source

    @property
    def posts(self) -> list[bytes]:
        """Its posts, JSON objects."""
        return self.assembled.posts


class PageFiller:
    """Fills pages, and keeps the cards it has seen."""

    def __init__(
        self, store: Store, codec: CursorCodec, metrics: ReaderMetrics, refusals: Refusals, cache_bytes: int
    ) -> None:
        self._store = store
        self.codec = codec
        self._metrics = metrics
        self._refusals = refusals
        self._cards = CardCache(cache_bytes)
        self._epochs: set[int] = set()
        metrics.card_bytes.set_function(lambda: self._cards.num_bytes)

    def keep_epochs_of(self, snapshot: Snapshot) -> None:
        """Forget the cards of epochs that are no longer served."""
        epochs = set(snapshot.pointer.named)
        if epochs != self._epochs:
            self._cards.keep_epochs(epochs)
            self._epochs = epochs

    async def fill(
        self,
        request: FeedRequest,
        snapshot: Snapshot,
        source: Source,
        suppression: Suppression,
        *,
        acts: Acts | None = None,
        ask_again: bool = False,
        offline: bool = False,
    ) -> FeedPage:
        """The page of ``source`` under what is known against its posts."""
        pool = source.pool
        taken_down = snapshot.taken_down
        narrowed = snapshot.narrowed.posts if snapshot.narrowed.newest > pool.epoch else {}
        if ask_again:
            post_ids: list[int] = source.rows.columns["post_id"].tolist()
            taken_down |= await self._store.read_taken_down(post_ids)
            narrowed = await self._store.narrowed.read_of(post_ids)
        inputs = PageInputs(source, request.feed_filter, request.count, suppression, taken_down, narrowed, acts)
        assembled = await self._assemble(inputs, snapshot, offline=offline)
        for kind, count in assembled.suppressed.items():
            if count:
                self._metrics.suppressed.labels(kind).inc(count)
        self._metrics.fresh_posts.inc(sum(row >= pool.count for row in assembled.rows))
        next_cursor = None
        if assembled.following is not None:
            cursor = Cursor(pool.epoch, source.level, assembled.following, source.arm, assembled.passed)
            next_cursor = self.codec.seal(cursor, request.user_id, request.feed_filter)
        self._metrics.staleness.set(max(0.0, time.time() - pool.generated_at))
        return FeedPage(inputs, assembled, next_cursor, snapshot.pointer.stable)

    async def _assemble(self, inputs: PageInputs, snapshot: Snapshot, *, offline: bool) -> Assembled:
        assembly, epoch = Assembly(inputs), inputs.source.pool.epoch
        while post_ids := assembly.next_posts():
            assembly.add(await self._hydrate(snapshot, epoch, post_ids, offline=offline))
        return assembly.page

    async def _hydrate(
        self, snapshot: Snapshot, epoch: int, post_ids: list[int], *, offline: bool
    ) -> list[Card | None]:
        pinned = snapshot.cards if epoch == snapshot.pointer.stable or offline else {}
        cards = {post_id: pinned.get(post_id) or self._cards.get(epoch, post_id) for post_id in post_ids}
        unseen = [post_id for post_id, card in cards.items() if card is None]
        self._metrics.cards.labels("hit").inc(len(cards) - len(unseen))
        if unseen and not offline:
            self._metrics.cards.labels("miss").inc(len(unseen))
            replies = await self._store.read_cards(epoch, unseen)
            if b"" in replies:
                pointer = await self._store.check()
                if snapshot.is_outdated_by(pointer):
                    raise EpochGoneError
            for post_id, reply in zip(unseen, replies, strict=True):
                card = self._refusals.read_card(reply, post_id)
                if card is not None:
                    self._cards.put(epoch, post_id, card)
                    cards[post_id] = card
        return [cards[post_id] for post_id in post_ids]
