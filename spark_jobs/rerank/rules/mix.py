"""Every kind of post has about its target share of a pool."""

import numpy as np
from numpy.typing import NDArray

from contracts.settings import RerankRules
from spark_jobs.rerank.rules.rule import page_ends
from spark_jobs.rerank.slates import Slates

ROUNDING = 1e-9


class Mix:
    """In the first pages, every kind has its share within ``mix_tolerance``, rounded outwards to places.

    ``kind`` ``(U, C)`` indexes ``shares``, of which only the proportions count. A kind with too few candidates gets all
    of them.
    """

    def __init__(self, slates: Slates, kind: NDArray[np.int8], shares: tuple[float, ...], rules: RerankRules) -> None:
        self._slates, self._rules = slates, rules
        self._share = np.array(shares) / sum(shares)
        num_users, num_kinds = len(slates.length), len(shares)
        self._users = np.arange(num_users)
        self._kind = kind
        self._cell = self._users[:, None] * num_kinds + kind
        self._num = np.zeros((num_users, num_kinds), dtype=np.int64)
        self._left = np.stack([((kind == k) & slates.is_there).sum(axis=1) for k in range(num_kinds)], axis=1)

    def breaks(self, place: int) -> NDArray[np.bool_]:
        """Candidates of a kind that has its share, or that would take a place reserved for other kinds."""
        ends = page_ends(place, self._rules.page, self._slates.length)
        least, most = self.bounds(ends)
        owed = np.maximum(np.minimum(least, self._num + self._left) - self._num, 0)
        is_last_chance = owed.sum(axis=1) > ends - place
        is_over = (self._num >= most) | (is_last_chance[:, None] & (owed == 0))
        if not is_over.any():
            return np.zeros(self._kind.shape, dtype=bool)
        return np.take(is_over, self._cell)

    def put(self, place: int, picked: NDArray[np.int64]) -> None:
        """Count the post."""
        del place
        kind = self._kind[self._users, picked]
        self._num[self._users, kind] += 1
        self._left[self._users, kind] -= 1

    def bounds(self, num_places: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Fewest and most of each kind among so many places, each ``(U, K)``."""
        tolerance, places = self._rules.mix_tolerance, num_places[:, None]
        least = np.floor((self._share - tolerance) * places + ROUNDING)
        most = np.ceil((self._share + tolerance) * places - ROUNDING)
        return np.maximum(least, 0).astype(np.int64), most.astype(np.int64)
