"""Assemble one page from one pool: a pure function of what was read, which the reader and a replay share."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import nan

from contracts.epochs import Pool
from serving.reader.acts import Acts, shown_acts
from serving.reader.cards import Card, render_post
from serving.reader.merging import APART, NONE_PASSED, Passed, with_fresh
from serving.reader.narrowing import withheld_rows
from serving.reader.selection import FeedFilter, Level, Suppression, key_of_rows, select


@dataclass(frozen=True)
class Source:
    """A pool to serve from, where in it to start, and the arm that it belongs to; None for the common pool.

    ``fresh`` are posts made since the pool was ranked, and ``passed`` those of them that are on earlier pages.
    """

    level: Level
    pool: Pool
    start: int = 0
    arm: str | None = None
    fresh: Pool | None = None
    passed: Passed = NONE_PASSED

    @cached_property
    def rows(self) -> Pool:
        """The rows of the pool, then fresh ones: what row numbers of a page mean."""
        return with_fresh(self.pool, self.fresh)

    @property
    def public_only(self) -> bool:
        """Whether posts that not everybody may see are left out."""
        return self.level != "redis"


@dataclass(frozen=True)
class PageInputs:
    """Everything that decides a page, besides the cards.

    ``narrowed`` are posts with the first epoch that knows it. ``acts`` are the user's, None if nobody knows them.
    """

    source: Source
    feed_filter: FeedFilter
    count: int
    suppression: Suppression
    taken_down: frozenset[int]
    narrowed: Mapping[int, int]
    acts: Acts | None = None


@dataclass(frozen=True)
class Assembled:
    """A page's posts as JSON objects, best first.

    ``cards`` and ``rows`` are theirs, a row being one of ``Source.rows``; ``cardless`` are rows that were skipped
    because they have no card. ``suppressed`` counts withheld rows by kind. ``following`` is the position at which the
    next page starts; None if this page is the last. ``passed`` are the fresh posts up to there.
    """

    posts: list[bytes]
    cards: list[Card]
    rows: list[int]
    cardless: list[int]
    suppressed: dict[str, int]
    following: int | None
    passed: Passed = NONE_PASSED


class Assembly:
    """Selects and renders up to ``inputs.count`` posts and ads; one without a card is passed over.

    The caller has the cards: it calls ``next_posts`` and ``add`` in turn until ``next_posts`` is empty.
    """

    def __init__(self, inputs: PageInputs) -> None:
        source, pool = inputs.source, inputs.source.rows
        self._public_only, self._count = source.public_only, inputs.count
        self._num_ranked, self._before, self._is_ad = source.pool.count, source.passed, pool.is_ad.tolist()
        self._key_of = key_of_rows(pool, inputs.feed_filter)
        self._selection = select(
            pool,
            inputs.feed_filter,
            source.start,
            inputs.suppression,
            inputs.taken_down,
            public_only=source.public_only,
            narrowed=withheld_rows(pool, inputs.narrowed, inputs.suppression.parted),
            num_fresh=pool.count - self._num_ranked,
            passed=source.passed,
        )
        columns = (pool.columns[name].tolist() for name in ("post_id", "score", "reason"))
        self._post_ids, self._scores, self._reasons = columns
        # The chance is that of a place in the whole pool; what a filter leaves stands elsewhere.
        self._chances = pool.columns["propensity"].tolist() if inputs.feed_filter == "all" else [nan] * pool.count
        ads = zip(self._is_ad, pool.columns["source_id"].tolist(), strict=True)
        self._ads: list[int | None] = [source if holds else None for holds, source in ads]
        self._acts = inputs.acts
        self._taken = 0
        self._posts: list[bytes] = []
        self._cards: list[Card] = []
        self._rows: list[int] = []
        self._cardless: list[int] = []

    def next_posts(self) -> list[int]:
        """The posts whose cards ``add`` takes next; none where the page is complete."""
        return [self._post_ids[row] for _, row in self._batch]

    def add(self, cards: Sequence[Card | None]) -> None:
        """Render the posts of ``next_posts``, whose ``cards`` these are."""
        batch = self._batch
        self._taken += len(batch)
        for (_, row), card in zip(batch, cards, strict=True):
            if card is None:
                self._cardless.append(row)
            elif card.is_public or not self._public_only:
                ranking = self._scores[row], self._reasons[row], self._chances[row], self._ads[row]
                interaction = shown_acts(self._acts, self._post_ids[row])
                self._posts.append(render_post(card, *ranking, interaction=interaction))
                self._cards.append(card)
                self._rows.append(row)

    @property
    def page(self) -> Assembled:
        """The page of the cards so far."""
        candidates, taken = self._selection.rows, self._taken
        following = candidates[taken - 1][0] + 1 if taken < len(candidates) else None
        return Assembled(
            self._posts,
            self._cards,
            self._rows,
            self._cardless,
            self._selection.suppressed,
            following,
            self._passed([row for _, row in candidates[:taken]]),
        )

    def _passed(self, rows: Sequence[int]) -> Passed:
        """The fresh posts up to the end of a page of ``rows``."""
        passed = self._before
        for row in rows:
            if row >= self._num_ranked:
                passed = Passed(passed.count + 1, self._key_of(row), 0)
            elif passed.count and passed.num_since < APART:
                passed = Passed(passed.count, passed.key, passed.num_since + (not self._is_ad[row]))
        return passed

    @property
    def _batch(self) -> Sequence[tuple[int, int]]:
        return self._selection.rows[self._taken : self._taken + self._count - len(self._posts)]


def assemble_from(inputs: PageInputs, card_of: Callable[[int], Card | None]) -> Assembled:
    """The page, where every card is at hand."""
    assembly = Assembly(inputs)
    while post_ids := assembly.next_posts():
        assembly.add([card_of(post_id) for post_id in post_ids])
    return assembly.page
