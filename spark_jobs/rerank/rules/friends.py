"""Users who ask for it see posts of friends first."""

import numpy as np
from numpy.typing import NDArray

from spark_jobs.rerank.slates import Slates


class Friends:
    """Users who ask for ``friends_first`` get all posts of friends before other posts."""

    def __init__(self, slates: Slates) -> None:
        self._is_friend, self._users = slates.is_friend, np.arange(len(slates.length))
        self._num_left = (slates.is_friend & slates.is_there & slates.friends_first[:, None]).sum(axis=1)

    def breaks(self, place: int) -> NDArray[np.bool_]:
        """Candidates by others than friends, for users who ask for friends and have posts of friends left."""
        del place
        broken: NDArray[np.bool_] = ~self._is_friend & (self._num_left > 0)[:, None]
        return broken

    def put(self, place: int, picked: NDArray[np.int64]) -> None:
        """Count the posts of friends that are left; 0 for users who do not ask for them."""
        del place
        self._num_left = np.maximum(0, self._num_left - self._is_friend[self._users, picked])
