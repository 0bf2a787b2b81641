"""Select and order the posts of a pool that one user may see now. Pure functions on a pool."""

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from contracts.epochs import FLAG_EXPLORATION, FLAG_PUBLIC, FLAG_SENSITIVE, SOURCES, Pool
from serving.reader.merging import APART, NONE_PASSED, Key, Passed, Sides
from serving.reader.narrowing import Parted

FeedFilter = Literal["all", "friends", "pages", "groups", "chronological"]
Level = Literal["redis", "previous_epoch", "popular", "chronological"]
LEVELS: tuple[Level, ...] = ("redis", "previous_epoch", "popular", "chronological")
"""Degradation levels, best first. Cursors store the index: append, never reorder."""

_SOURCE_OF: dict[str, int] = {
    "friends": SOURCES.index("friend"),
    "pages": SOURCES.index("page"),
    "groups": SOURCES.index("group"),
}


@dataclass(frozen=True)
class Suppression:
    """What one user must not be shown: authors they are blocked with, in either direction, and posts they hid.

    ``parted`` are ended ties: pools of older epochs may hold posts that the user could see only because of them.
    """

    blocked: frozenset[int] = frozenset()
    hidden: frozenset[int] = frozenset()
    parted: Parted = field(default_factory=Parted)

    def joined(self, other: "Suppression") -> "Suppression":
        """The union of both."""
        parted = self.parted.joined(other.parted)
        return Suppression(self.blocked | other.blocked, self.hidden | other.hidden, parted)


@dataclass(frozen=True)
class Selection:
    """Visible rows as ``(position, row)``, in order, and how many were suppressed, by kind.

    A position counts in the filtered order *before* suppression: a block made between two pages shifts nothing.
    """

    rows: list[tuple[int, int]]
    suppressed: dict[str, int]


def rows_in_order(pool: Pool, feed_filter: FeedFilter) -> list[int]:
    """Rows of ``pool`` that pass the filter, in the order in which it shows them. Only ``all`` has ads."""
    if feed_filter == "all":
        return list(range(pool.count))
    if feed_filter == "chronological":
        newest_first = np.lexsort((-pool.columns["post_id"], -pool.columns["created_at"].astype(np.int64)))
        return _as_list(newest_first[~pool.is_ad[newest_first]])
    return _as_list(np.flatnonzero(pool.columns["source"] == _SOURCE_OF[feed_filter]))


def select(
    pool: Pool,
    feed_filter: FeedFilter,
    start: int,
    suppression: Suppression,
    taken_down: frozenset[int],
    *,
    public_only: bool,
    narrowed: frozenset[int] = frozenset(),
    num_fresh: int = 0,
    passed: Passed = NONE_PASSED,
) -> Selection:
    """The rows at position ``start`` and after that this user may see; ``narrowed`` are rows of ``withheld_rows``.

    Where only public posts are shown, there are no ads: they were planned for another day, or for nobody. The last
    ``num_fresh`` rows are merged among the others; ``passed`` are those of earlier pages.
    """
    post_ids, author_ids = _as_list(pool.columns["post_id"]), _as_list(pool.columns["author_id"])
    flags, is_ad = _as_list(pool.columns["flags"]), _as_list(pool.is_ad)

    def kind_of(row: int) -> str | None:
        if post_ids[row] in taken_down:
            return "takedown"
        if author_ids[row] in suppression.blocked:
            return "block"
        if post_ids[row] in suppression.hidden:
            return "hidden"
        if public_only and (is_ad[row] or not flags[row] & FLAG_PUBLIC):
            return "not_public"
        return "narrowed" if row in narrowed else None

    visible: list[tuple[int, int]] = []
    suppressed = {"takedown": 0, "block": 0, "hidden": 0, "not_public": 0, "narrowed": 0}
    has_ads = any(is_ad)
    begin = 0 if has_ads else start  # the distance of an ad depends on the rows before it, those of earlier pages too
    order = rows_in_order(pool, feed_filter)
    places = list(enumerate(order[begin:], begin))
    if num_fresh or passed.count:
        sides, withheld = _sides(pool, feed_filter, order, num_fresh, kind_of)
        # Earlier pages count as they were ranked: a fresh post on them stood in the place of another.
        places = [*enumerate(sides.ranked[begin:start], begin), *sides.merged(start, passed)]
        places += [(start, row) for row in withheld if sides.key_of(row) < passed.key]
    for position, row in places:
        kind = kind_of(row)
        if kind is None:
            visible.append((position, row))
        else:
            suppressed[kind] += position >= start
    if has_ads:
        visible = _space_ads(pool, visible)
    # Fresh posts on earlier pages may have made room for an ad that would still wait without them.
    oldest_ad = start if passed.count else 0
    ahead = [(at, row) for at, row in visible if at >= start and (row >= oldest_ad or not is_ad[row])]
    return Selection(ahead, suppressed)


def key_of_rows(pool: Pool, feed_filter: FeedFilter) -> Callable[[int], Key]:
    """The key by which a row is merged: its score, or its time where the newest come first."""
    ids = _as_list(pool.columns["post_id"])
    ranks: list[float] = pool.columns["created_at" if feed_filter == "chronological" else "score"].tolist()
    return lambda row: (-math.inf if math.isnan(ranks[row]) else ranks[row], ids[row])


def _sides(
    pool: Pool, feed_filter: FeedFilter, order: list[int], num_fresh: int, kind_of: Callable[[int], str | None]
) -> tuple[Sides, list[int]]:
    """What is merged, and withheld fresh rows, which hold no position.

    If every ranked post is withheld there are no fresh ones either, so that the next level answers.
    """
    num_ranked, key_of = pool.count - num_fresh, key_of_rows(pool, feed_filter)
    ranked = [row for row in order if row < num_ranked]
    is_ad = pool.is_ad
    counts = [kind_of(row) is None and not is_ad[row] for row in range(num_ranked)]
    news = [row for row in order if row >= num_ranked]
    fresh = [row for row in news if kind_of(row) is None] if any(counts) else []
    keeps_place = is_ad | ((pool.columns["flags"] & FLAG_EXPLORATION) != 0)
    pinned = frozenset(_as_list(np.flatnonzero(keeps_place[:num_ranked]))) if feed_filter == "all" else frozenset()
    apart = 0 if feed_filter == "chronological" else APART
    sides = Sides(ranked, sorted(fresh, key=key_of, reverse=True), key_of, pinned, counts.__getitem__, apart)
    return sides, [row for row in news if kind_of(row) is not None]


def _space_ads(pool: Pool, visible: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """``visible`` with each ad at least as many posts after the ad before as planned, and beside no sensitive post.

    Withheld posts bring an ad nearer to others. It then waits until its place is right, and is left out where the pool
    ends before. An ad has the position before the post that follows it, so that a page that ends with it goes on there.
    """
    ads = np.flatnonzero(pool.is_ad)
    planned = dict(zip(_as_list(ads), _as_list(np.diff(ads, prepend=-1) - 1), strict=True))
    sensitive = set(_as_list(np.flatnonzero(pool.columns["flags"] & FLAG_SENSITIVE)))
    placed: list[tuple[int, int]] = []
    waiting: deque[int] = deque()
    num_posts, last = 0, -1
    for position, row in visible:
        if row in planned:
            waiting.append(row)
            continue
        if waiting and num_posts >= planned[waiting[0]] and last not in sensitive and row not in sensitive:
            placed.append((position - 1, waiting.popleft()))
            num_posts = 0
        placed.append((position, row))
        num_posts, last = num_posts + 1, row
    if waiting and num_posts >= planned[waiting[0]] and last not in sensitive:
        placed.append((visible[-1][0], waiting.popleft()))
    return placed


def _as_list(column: NDArray[Any]) -> list[int]:
    values: list[int] = column.tolist()
    return values
