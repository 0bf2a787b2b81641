"""The interface of a rule: it is checked before each place is filled, and updated after it."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Rule(Protocol):
    """One rule on the pools of ``U`` users with up to ``C`` candidates each; places are counted from 1."""

    def breaks(self, place: int) -> NDArray[np.bool_]:
        """Which candidates, ``(U, C)``, would break the rule at ``place``; those used already may be anything."""
        ...

    def put(self, place: int, picked: NDArray[np.int64]) -> None:
        """Record that candidate ``picked`` ``(U,)`` is at ``place``."""
        ...


def page_ends(place: int, page: int, lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number of places over which a rule's share is counted at ``place``, ``(U,)``: whole pages, at most the pool.

    So shares hold at the end of each page, for every pool, and for what a user sees first.
    """
    return np.minimum(lengths, -(-place // page) * page)
