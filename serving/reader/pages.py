"""Fill one page from one pool: select what the user may see, find its cards, render it, seal the next cursor."""

import time
from dataclasses import dataclass
from math import nan

from contracts.epochs import Pool
from serving.reader.cards import Card, CardCache, render_post
from serving.reader.cursor import Cursor, CursorCodec
from serving.reader.fallback import Snapshot
from serving.reader.metrics import ReaderMetrics
from serving.reader.narrowing import withheld_rows
from serving.reader.refusals import Refusals
from serving.reader.selection import FeedFilter, Level, Suppression, select
from serving.reader.store import Store


class EpochGoneError(Exception):
    """The epoch being read is no longer served: start over with the new pointer."""


@dataclass(frozen=True)
class FeedRequest:
    """What was asked for; ``count`` is 1 to 50. ``arm`` is the user's, of an experiment."""

    user_id: int
    count: int = 20
    wanted: FeedFilter = "all"
    cursor: str | None = None
    arm: str | None = None


@dataclass(frozen=True)
class FeedPage:
    """The answer; ``posts`` are JSON objects, ``generated_at`` is Unix seconds."""

    posts: list[bytes]
    next_cursor: str | None
    epoch: int
    served_from: Level
    generated_at: int


@dataclass(frozen=True)
class Source:
    """A pool to serve from, where in it to start, and the arm whose it is; None: it is the common one."""

    level: Level
    pool: Pool
    start: int = 0
    arm: str | None = None


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
        ask_again: bool = False,
        offline: bool = False,
    ) -> FeedPage:
        """Select, hydrate and render up to ``count`` posts; a post without a card is passed over."""
        pool, public_only = source.pool, source.level != "redis"
        post_ids: list[int] = pool.columns["post_id"].tolist()
        taken_down = snapshot.taken_down
        narrowed = snapshot.narrowed.posts if snapshot.narrowed.newest > pool.epoch else {}
        if ask_again:
            taken_down |= await self._store.read_taken_down(post_ids)
            narrowed = await self._store.narrowed.read_of(post_ids)
        withheld = withheld_rows(pool, narrowed, suppression.parted)
        selection = select(
            pool, request.wanted, source.start, suppression, taken_down, public_only=public_only, narrowed=withheld
        )
        for kind, count in selection.suppressed.items():
            if count:
                self._metrics.suppressed.labels(kind).inc(count)
        scores, reasons = pool.columns["score"].tolist(), pool.columns["reason"].tolist()
        # The chance is that of a place in the whole pool; what a filter leaves stands elsewhere.
        chances = pool.columns["propensity"].tolist() if request.wanted == "all" else [nan] * pool.count
        rows, taken = selection.rows, 0
        posts: list[bytes] = []
        while taken < len(rows) and len(posts) < request.count:
            batch = rows[taken : taken + request.count - len(posts)]
            taken += len(batch)
            cards = await self._hydrate(snapshot, pool.epoch, [post_ids[row] for _, row in batch], offline=offline)
            for (_, row), card in zip(batch, cards, strict=True):
                if card is not None and (card.is_public or not public_only):
                    posts.append(render_post(card, scores[row], reasons[row], chances[row]))
        next_cursor = None
        if taken < len(rows):
            cursor = Cursor(pool.epoch, source.level, rows[taken - 1][0] + 1, source.arm)
            next_cursor = self.codec.seal(cursor, request.user_id, request.wanted)
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
