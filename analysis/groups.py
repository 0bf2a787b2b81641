"""Starts of groups of consecutive rows."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


def group_starts(*keys: NDArray[Any]) -> Ints:
    """First index of each run of equal keys, ``(g,)``; empty for no rows."""
    change = np.ones(len(keys[0]), dtype=bool)
    if len(change):
        change[1:] = np.any([key[1:] != key[:-1] for key in keys], axis=0)
    return np.flatnonzero(change)
