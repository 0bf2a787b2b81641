"""Similar posts are kept apart."""

import numpy as np
from numpy.typing import NDArray

from contracts.settings import RerankRules
from spark_jobs.rerank.slates import Slates

UNIT = 127
"""Length of an embedding in integers; sums of their products are exact in float32, in any order."""


class Similarity:
    """No post has a similarity above ``max_similarity`` to one of the last ``page`` posts, first places excepted."""

    def __init__(self, slates: Slates, rules: RerankRules) -> None:
        self._embedding, self._rules = slates.embedding, rules
        self._users = np.arange(len(slates.length))
        self._most = np.float32(rules.max_similarity * UNIT**2)
        self._num_like = np.zeros(slates.row.shape, dtype=np.int16)
        self._shown: list[NDArray[np.bool_]] = []

    def breaks(self, place: int) -> NDArray[np.bool_]:
        """Candidates that are similar to one of the last posts."""
        if place <= self._rules.similar_after:
            return np.zeros(self._num_like.shape, dtype=bool)
        return self._num_like > 0

    def put(self, place: int, picked: NDArray[np.int64]) -> None:
        """Count the post for every candidate similar to it, and drop the post that is a page away."""
        del place
        is_like = (self._embedding @ self._embedding[self._users, picked][:, :, None])[:, :, 0] > self._most
        self._shown.append(is_like)
        self._num_like += is_like
        if len(self._shown) > self._rules.page:
            self._num_like -= self._shown.pop(0)
