"""Merge the posts made since the night into a ranked pool. Pure functions on rows.

Ads and drawn posts keep their place: the distance of an ad is counted in posts, and the chance of a draw belongs to the
place. A cursor holds what earlier pages have passed, so a page continues rightly even if the fresh posts have changed
or are gone by then.
"""

import math
from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from contracts.epochs import SOURCES, Pool

APART = 3
"""Ranked posts between two fresh ones, at least: one place in four. Not a setting, because a replay needs it too."""
MOST = 255
"""Fresh posts on all pages of a feed, at most: a cursor counts them in one byte. ``fresh.per_user`` is far less."""
_FRIEND = SOURCES.index("friend")

Key = tuple[float, int]
"""Score or time of a post, and its id: fresh posts come with the greatest first."""


@dataclass(frozen=True)
class Passed:
    """The fresh posts on earlier pages: how many, the ``key`` of the last, and how many ranked posts followed it.

    ``num_since`` stops at ``APART``.
    """

    count: int = 0
    key: Key = (math.inf, 0)
    num_since: int = APART


NONE_PASSED = Passed()


def with_fresh(pool: Pool, fresh: Pool | None) -> Pool:
    """The rows of ``pool``, then those of ``fresh`` that show a friend's post which the pool does not have."""
    if fresh is None or not fresh.count:
        return pool
    _, first = np.unique(fresh.columns["post_id"], return_index=True)
    is_kept = np.isin(np.arange(fresh.count), first) & (fresh.columns["source"] == _FRIEND)
    is_kept &= ~np.isin(fresh.columns["post_id"], pool.columns["post_id"])
    rows = np.flatnonzero(is_kept)[:MOST]
    columns = {name: np.concatenate([column, fresh.columns[name][rows]]) for name, column in pool.columns.items()}
    return Pool(pool.epoch, pool.generated_at, pool.owner, columns)


@dataclass(frozen=True)
class Sides:
    """What is merged: ``ranked`` and ``fresh`` rows in their order, and ``key_of`` a row.

    ``pinned`` ranked rows keep their position. Between two fresh rows there are ``apart`` ranked ones that ``counts``.
    """

    ranked: Sequence[int]
    fresh: Sequence[int]
    key_of: Callable[[int], Key]
    pinned: Collection[int]
    counts: Callable[[int], bool]
    apart: int = APART

    def merged(self, start: int, passed: Passed) -> Iterator[tuple[int, int]]:
        """(position, row) from position ``start`` on: a fresh row stands before the first ranked one of a lower key.

        Ranked rows before ``start`` are on earlier pages, without the last ones that fresh rows pushed back.
        """
        pins = [place for place, row in enumerate(self.ranked) if row in self.pinned]
        others = [row for row in self.ranked if row not in self.pinned]
        num_pins_passed = bisect_left(pins, start)
        pins_ahead = deque(pins[num_pins_passed:])
        rest = deque(others[max(0, start - passed.count - num_pins_passed) :])
        waiting = deque(islice((row for row in self.fresh if self.key_of(row) < passed.key), MOST - passed.count))
        place, num_since = start, passed.num_since
        while rest or pins_ahead or (waiting and num_since >= self.apart):
            if pins_ahead and (pins_ahead[0] <= place or not rest):
                row = self.ranked[pins_ahead.popleft()]
            elif waiting and num_since >= self.apart and self._comes_first(waiting[0], rest):
                row, num_since = waiting.popleft(), -1
            else:
                row = rest.popleft()
            yield place, row
            place += 1
            num_since = 0 if num_since < 0 else min(APART, num_since + self.counts(row))

    def _comes_first(self, fresh: int, rest: Sequence[int]) -> bool:
        # A withheld row has its position, and nothing stands before it for its sake.
        return not rest or (self.counts(rest[0]) and self.key_of(fresh)[0] > self.key_of(rest[0])[0])
