"""No friend, page or group has more than a share of a pool."""

import numpy as np
from numpy.typing import NDArray

from contracts.settings import RerankRules
from spark_jobs.rerank.rules.rule import page_ends
from spark_jobs.rerank.slates import NONE, Slates

ROUNDING = 1e-9


class Source:
    """At most ``max_source_share`` of the first pages from one source, but at least one post.

    A suggestion has no source.
    """

    def __init__(self, slates: Slates, rules: RerankRules) -> None:
        self._slates, self._rules = slates, rules
        self._num_of_source = np.zeros(slates.source.shape, dtype=np.int16)

    def breaks(self, place: int) -> NDArray[np.bool_]:
        """Candidates whose source has its share."""
        ends = page_ends(place, self._rules.page, self._slates.length)
        most = np.maximum(1, np.floor(self._rules.max_source_share * ends + ROUNDING)).astype(np.int16)
        broken: NDArray[np.bool_] = self._num_of_source >= most[:, None]
        return broken

    def put(self, place: int, picked: NDArray[np.int64]) -> None:
        """Count the post for every candidate of its source."""
        del place
        source = self._slates.source
        of_picked = source[np.arange(len(picked)), picked, None]
        self._num_of_source += (source == of_picked) & (of_picked != NONE)
