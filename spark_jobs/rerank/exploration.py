"""Places that are filled by a draw among little-known posts, so that something is learned of them, and the chances.

Thompson sampling shows a post as often as it is likely to be the best of those compared, given how many people engaged
with it so far (Thompson, "On the Likelihood that One Unknown Probability Exceeds Another", Biometrika 1933). Here these
chances are computed, and the post is drawn by them. So the logged chance is exactly the one that was used.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc

from contracts.settings import Exploration
from spark_jobs.rerank.slates import Slates
from spark_jobs.rules.chance import uniform

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Singles = NDArray[np.float32]

GRID = 64
"""Rates of engagement at which posts are compared."""
LEAST = 1e-30
"""In place of a probability of 0, whose logarithm would be infinite."""
_OF_PLACE, _OF_SLOT = 1, 2


class Explorer:
    """Draws for the users of ``slates``; ``day`` is the night's, as an ordinal: another night draws anew."""

    def __init__(self, slates: Slates, rules: Exploration, *, seed: int, day: int) -> None:
        self._slates, self._rules, self._seed, self._day = slates, rules, seed, day
        counts = np.stack([slates.num_engaged[slates.is_little_known], slates.num_views[slates.is_little_known]])
        pairs, of_pair = np.unique(counts, axis=1, return_inverse=True)
        self._table = np.zeros(slates.row.shape, dtype=np.int32)
        self._table[slates.is_little_known] = of_pair.reshape(-1)
        self._density, self._log_below = posteriors(pairs[0], pairs[1], rules)
        of_new_users = rules.every_of_new_users if rules.every else 0
        self._every = np.where(slates.is_new_user, of_new_users, rules.every)
        self._slot = slots(slates.user, self._every, seed=seed, day=day)

    def draw(self, place: int, may_be: Bools) -> tuple[Ints, Ints, Floats]:
        """Users ``(u,)`` for whom ``place`` is filled by a draw, the candidates drawn, and the chance of each.

        ``may_be`` ``(U, C)`` are the candidates that may stand there. A user with fewer than two little-known ones
        among them gets no draw.
        """
        users = np.flatnonzero(is_slot(self._slot, place, self._every))
        arms = may_be[users] & self._slates.is_little_known[users]
        arms &= np.cumsum(arms, axis=1) <= self._rules.arms
        num_arms = arms.sum(axis=1)
        has_choice = num_arms > 1
        users, arms, num_arms = users[has_choice], arms[has_choice], num_arms[has_choice]
        is_arm = np.arange(self._rules.arms) < num_arms[:, None]
        candidates = np.zeros(is_arm.shape, dtype=np.int64)
        candidates[is_arm] = np.nonzero(arms)[1]
        table = self._table[users[:, None], candidates]
        chances = chances_of(self._density[table], self._log_below[table], is_arm, self._rules.uniform)
        drawn = uniform(self._seed, self._slates.user[users], self._day, _OF_PLACE, place)
        nth = np.minimum((np.cumsum(chances, axis=1) <= drawn[:, None]).sum(axis=1), num_arms - 1)
        rows = np.arange(len(users))
        return users, candidates[rows, nth], chances[rows, nth]


def slots(users: Ints, every: Ints, *, seed: int, day: int) -> Ints:
    """The first place of each user that is drawn for, ``(U,)``: each of the first ``every`` is equally likely."""
    return np.asarray(1 + np.floor(uniform(seed, users, day, _OF_SLOT) * np.maximum(every, 1)), dtype=np.int64)


def is_slot(first: Ints, place: int, every: Ints) -> Bools:
    """Whether ``place`` is drawn for, ``(U,)``: the first and every ``every`` places after it; with 0, none is."""
    return np.asarray((every > 0) & ((place - first) % np.maximum(every, 1) == 0))


def posteriors(num_engaged: Ints, num_views: Ints, rules: Exploration) -> tuple[Singles, Singles]:
    """What is known of ``k`` posts' rates of engagement, ``(k, GRID)``: probabilities, and logs of those to be below.

    The posterior is Beta(``prior_engaged`` + engaged, ``prior_ignored`` + not engaged), cut into equal steps.
    """
    engaged = np.minimum(num_engaged, num_views)[:, None]
    a, b = rules.prior_engaged + engaged, rules.prior_ignored + (num_views[:, None] - engaged)
    edges = np.linspace(0.0, 1.0, 2 * GRID + 1)
    below = betainc(a, b, edges)
    density, log_below = np.diff(below[:, ::2], axis=1), np.log(np.maximum(below[:, 1::2], LEAST))
    return density.astype(np.float32), log_below.astype(np.float32)


def chances_of(density: Singles, log_below: Singles, is_arm: Bools, even: float) -> Floats:
    """Chance of each of ``n`` posts to be drawn, ``(u, n)``: that its rate is the highest, mixed with an even chance.

    ``density`` and ``log_below`` are ``(u, n, GRID)``, as in ``posteriors``: the chance to be best is the sum over
    rates of the post's probability there times the others' chances to be below. Each row sums to 1. Posts that do not
    take part have probability 0.
    """
    logs = np.where(is_arm[:, :, None], log_below, np.float32(0.0))
    others = np.exp(logs.sum(axis=1, keepdims=True) - logs)
    best = np.where(is_arm, (density * others).sum(axis=2, dtype=np.float64) + LEAST, 0.0)
    num_arms = is_arm.sum(axis=1, keepdims=True)
    return np.asarray((1.0 - even) * best / best.sum(axis=1, keepdims=True) + even * is_arm / num_arms)
