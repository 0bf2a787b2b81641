"""What the rules have in common: they are asked before each place is filled, and told after it."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Rule(Protocol):
    """One rule on the pools of ``U`` users with up to ``C`` candidates each; places are counted from 1."""

    def breaks(self, place: int) -> NDArray[np.bool_]:
        """Which candidates, ``(U, C)``, would break the rule at ``place``; those used already may be anything."""
        ...

    def put(self, place: int, picked: NDArray[np.int64]) -> None:
        """Take note that candidate ``picked`` ``(U,)`` stands at ``place``."""
        ...


def page_ends(place: int, page: int, lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many places the share of a rule is counted over at ``place``, ``(U,)``: whole pages, but no more than ends.

    So what holds at the end of each page holds of every pool, and of what a user sees first.
    """
    return np.minimum(lengths, -(-place // page) * page)
