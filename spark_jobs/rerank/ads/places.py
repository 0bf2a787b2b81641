"""Where a pool may have ads: so many posts apart, and never beside a sensitive post."""

import numpy as np
from numpy.typing import NDArray

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]


def ad_places(length: Ints, is_sensitive: Bools, every: Ints) -> Ints:
    """The ranks that an ad follows, ``(U, K)``: column ``k`` is a user's place ``k + 1``; 0 where there is none.

    ``length`` ``(U,)`` is the number of posts of each pool, ``is_sensitive`` ``(U, L)`` is by rank - 1, ``every``
    ``(U,)`` is the least number of posts before each ad. A place beside a sensitive post moves down until it is not.
    """
    users, longest = is_sensitive.shape
    beside = is_sensitive | np.pad(is_sensitive[:, 1:], ((0, 0), (0, 1)))[:, :longest]
    num_places = longest // max(int(every.min(initial=longest + 1)), 1)
    places = np.zeros((users, num_places), dtype=np.int64)
    num_posts, num_ads = np.zeros(users, dtype=np.int64), np.zeros(users, dtype=np.int64)
    for rank in range(1, longest + 1):
        num_posts += 1
        has_ad = np.flatnonzero((num_posts >= every) & (rank <= length) & ~beside[:, rank - 1])
        places[has_ad, num_ads[has_ad]] = rank
        num_ads[has_ad] += 1
        num_posts[has_ad] = 0
    return places
