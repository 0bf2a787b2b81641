"""Never more than a few posts in a row on one topic."""

import numpy as np
from numpy.typing import NDArray

from contracts.features import TOPICS
from contracts.settings import RerankRules
from spark_jobs.rerank.slates import NONE, Slates


class Topic:
    """At most ``max_topic_run`` posts in a row on one topic; a post without a topic ends any run.

    If one topic prevails, enough candidates on other topics are saved to separate its posts until the pool ends. If
    there are too few of them from the start, none are saved, and the rule breaks when they run out.
    """

    def __init__(self, slates: Slates, rules: RerankRules) -> None:
        self._topic, self._length, self._most = slates.topic, slates.length, rules.max_topic_run
        num_users = len(slates.length)
        self._users = np.arange(num_users)
        self._last = np.full(num_users, NONE, dtype=np.int8)
        self._run = np.zeros(num_users, dtype=np.int64)
        self._num_left = slates.is_there.sum(axis=1)
        self._left = np.stack([((slates.topic == t) & slates.is_there).sum(axis=1) for t in range(len(TOPICS))], axis=1)
        self._can_hold = self._num_left - self._left.max(axis=1) >= self._partings(slates.length)

    def breaks(self, place: int) -> NDArray[np.bool_]:
        """Candidates that make a run too long, or that will be needed to separate those of another topic."""
        is_full = (self._run >= self._most) & (self._last != NONE)
        broken: NDArray[np.bool_] = (self._topic == self._last[:, None]) & is_full[:, None]
        top = self._left.argmax(axis=1)
        num_others = self._num_left - self._left[self._users, top]
        is_scarce = self._can_hold & (num_others - 1 < self._partings(self._length - place))
        is_scarce &= ~(is_full & (self._last == top))
        if is_scarce.any():
            broken |= (self._topic != top[:, None]) & is_scarce[:, None]
        return broken

    def put(self, place: int, picked: NDArray[np.int64]) -> None:
        """Extend the run, or begin another."""
        del place
        topic = self._topic[self._users, picked]
        self._run = np.where((topic == self._last) & (topic != NONE), self._run + 1, 1)
        self._last = topic
        self._num_left = self._num_left - 1
        has_topic = topic != NONE
        self._left[self._users[has_topic], topic[has_topic]] -= 1

    def _partings(self, num_places: NDArray[np.int64]) -> NDArray[np.int64]:
        """Number of posts that separate those of one topic over ``num_places``, ``(U,)``."""
        return np.maximum(0, -(-(num_places - self._most) // (self._most + 1)))
