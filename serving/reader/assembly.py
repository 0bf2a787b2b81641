"""Assemble one page from one pool: a pure function of what was read, which the reader and a replay share."""

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from math import nan

from contracts.epochs import Pool
from serving.reader.cards import Card, render_post
from serving.reader.narrowing import withheld_rows
from serving.reader.selection import FeedFilter, Level, Suppression, select


@dataclass(frozen=True)
class Source:
    """A pool to serve from, where in it to start, and the arm whose it is; None: it is the common one."""

    level: Level
    pool: Pool
    start: int = 0
    arm: str | None = None

    @property
    def public_only(self) -> bool:
        """Whether posts that not everybody may see are left out."""
        return self.level != "redis"


@dataclass(frozen=True)
class PageInputs:
    """Everything that decides a page, besides the cards; ``narrowed`` are posts with the first epoch that knows it."""

    source: Source
    wanted: FeedFilter
    count: int
    suppression: Suppression
    taken_down: frozenset[int]
    narrowed: Mapping[int, int]


@dataclass(frozen=True)
class Assembled:
    """A page's posts as JSON objects, best first.

    ``cards`` and ``rows`` are theirs, a row being one of the pool; ``cardless`` are rows passed over for want of a
    card. ``suppressed`` counts withheld rows by kind. ``following`` is the position at which the next page starts;
    None: there is none.
    """

    posts: list[bytes]
    cards: list[Card]
    rows: list[int]
    cardless: list[int]
    suppressed: dict[str, int]
    following: int | None


Steps = Generator[list[int], Sequence[Card | None], Assembled]
"""Yields the posts whose cards it needs, is sent these cards, and returns the page."""


def assemble(inputs: PageInputs) -> Steps:
    """Select and render up to ``inputs.count`` posts; a post without a card is passed over."""
    source = inputs.source
    pool, public_only = source.pool, source.public_only
    withheld = withheld_rows(pool, inputs.narrowed, inputs.suppression.parted)
    selection = select(
        pool,
        inputs.wanted,
        source.start,
        inputs.suppression,
        inputs.taken_down,
        public_only=public_only,
        narrowed=withheld,
    )
    post_ids, scores, reasons = (pool.columns[name].tolist() for name in ("post_id", "score", "reason"))
    # The chance is that of a place in the whole pool; what a filter leaves stands elsewhere.
    chances = pool.columns["propensity"].tolist() if inputs.wanted == "all" else [nan] * pool.count
    candidates, taken = selection.rows, 0
    posts: list[bytes] = []
    shown: list[Card] = []
    rows: list[int] = []
    cardless: list[int] = []
    while taken < len(candidates) and len(posts) < inputs.count:
        batch = candidates[taken : taken + inputs.count - len(posts)]
        taken += len(batch)
        cards = yield [post_ids[row] for _, row in batch]
        for (_, row), card in zip(batch, cards, strict=True):
            if card is None:
                cardless.append(row)
            elif card.is_public or not public_only:
                posts.append(render_post(card, scores[row], reasons[row], chances[row]))
                shown.append(card)
                rows.append(row)
    following = candidates[taken - 1][0] + 1 if taken < len(candidates) else None
    return Assembled(posts, shown, rows, cardless, selection.suppressed, following)


def assemble_from(inputs: PageInputs, card_of: Callable[[int], Card | None]) -> Assembled:
    """The page, where every card is at hand."""
    steps = assemble(inputs)
    cards: list[Card | None] | None = None
    while True:
        try:
            wanted = next(steps) if cards is None else steps.send(cards)
        except StopIteration as end:
            assembled: Assembled = end.value
            return assembled
        cards = [card_of(post_id) for post_id in wanted]
