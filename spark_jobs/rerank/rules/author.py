"""At most a number of posts per author in a pool."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.groups import group_starts


def best_of_each_author(
    users: NDArray[np.int64], authors: NDArray[np.int64], has_author: NDArray[np.bool_], most: int
) -> NDArray[Any]:
    """Which candidates ``(n,)`` may be in a pool: the first ``most`` of each user and author.

    Rows are sorted by user, best first. This rule never gives way. It does not apply to posts without a known author.
    """
    order = np.lexsort((np.arange(len(users)), authors, has_author, users))
    starts = group_starts(users[order], has_author[order], authors[order])
    place = np.arange(len(users)) - np.repeat(starts, np.diff(starts, append=len(users)))
    keeps = np.empty(len(users), dtype=bool)
    keeps[order] = place < most
    return keeps | ~has_author
