"""Whoever asks for it sees friends first."""

import numpy as np
from numpy.typing import NDArray

from spark_jobs.rerank.slates import Slates


class Friends:
    """As long as a friend's post is left, no other stands in the pool of a user who asks for ``friends_first``."""

    def __init__(self, slates: Slates) -> None:
        self._is_friend, self._users = slates.is_friend, np.arange(len(slates.length))
        self._num_left = (slates.is_friend & slates.is_there & slates.friends_first[:, None]).sum(axis=1)

    def breaks(self, place: int) -> NDArray[np.bool_]:
        """Candidates that are by no friend, where one is left and asked for."""
        del place
        broken: NDArray[np.bool_] = ~self._is_friend & (self._num_left > 0)[:, None]
        return broken

    def put(self, place: int, picked: NDArray[np.int64]) -> None:
        """Count the friends' posts that are left; 0 where nobody asked."""
        del place
        self._num_left = np.maximum(0, self._num_left - self._is_friend[self._users, picked])
