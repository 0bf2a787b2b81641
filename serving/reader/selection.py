"""Select and order the posts of a pool that one user may see now. Pure functions on a pool."""

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from contracts.epochs import FLAG_PUBLIC, SOURCES, Pool
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

    ``parted`` are ended ties, by which pools of older epochs admit posts that the user may no longer see.
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
    """Rows of ``pool`` that pass the filter, in the order in which it shows them."""
    if feed_filter == "all":
        return list(range(pool.count))
    if feed_filter == "chronological":
        newest_first = np.lexsort((-pool.columns["post_id"], -pool.columns["created_at"].astype(np.int64)))
        return _as_list(newest_first)
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
) -> Selection:
    """The rows at position ``start`` and after that this user may see; ``narrowed`` are rows of ``withheld_rows``."""
    post_ids, author_ids = _as_list(pool.columns["post_id"]), _as_list(pool.columns["author_id"])
    flags = _as_list(pool.columns["flags"])
    rows: list[tuple[int, int]] = []
    suppressed = {"takedown": 0, "block": 0, "hidden": 0, "not_public": 0, "narrowed": 0}
    for position, row in enumerate(rows_in_order(pool, feed_filter)[start:], start):
        if post_ids[row] in taken_down:
            suppressed["takedown"] += 1
        elif author_ids[row] in suppression.blocked:
            suppressed["block"] += 1
        elif post_ids[row] in suppression.hidden:
            suppressed["hidden"] += 1
        elif public_only and not flags[row] & FLAG_PUBLIC:
            suppressed["not_public"] += 1
        elif row in narrowed:
            suppressed["narrowed"] += 1
        else:
            rows.append((position, row))
    return Selection(rows, suppressed)


def _as_list(column: NDArray[Any]) -> list[int]:
    values: list[int] = column.tolist()
    return values
