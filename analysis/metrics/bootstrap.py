"""Bootstrap intervals that draw whole users: rows of one user depend on each other, users do not.

Source: Efron and Tibshirani, "An Introduction to the Bootstrap", 1993 (percentile intervals); Field and Welsh,
"Bootstrapping Clustered Data", JRSS B 2007 (drawing whole clusters).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contracts.metrics.columns import Floats

LEVEL = 0.95


@dataclass(frozen=True)
class Interval:
    """A figure with the low and high end of its 95 % interval, and its number of users."""

    value: float
    low: float
    high: float
    num_users: int


def bootstrap(values: Floats, resamples: int, seed: int) -> tuple[Floats, Floats, Floats]:
    """Mean, low and high end of the interval of each column of ``values`` ``(users, m)``, each ``(m,)``.

    Whole users are drawn, the same ones for every column: put a difference into its own column for a paired interval.
    Raises ``ValueError`` without a row and for values that are not finite.
    """
    num_users = len(values)
    if num_users == 0:
        raise ValueError("the bootstrap needs at least one user")
    if not np.isfinite(values).all():
        raise ValueError("a user's metric is not finite: leave out users for whom it is undefined, in every column")
    means = np.empty((resamples, values.shape[1]))
    for index, draws in enumerate(_draws(num_users, resamples, seed)):
        means[index] = draws @ values / num_users
    low, high = np.quantile(means, _TAILS, axis=0)
    return values.mean(axis=0), low, high


def paired_difference(challenger: Floats, champion: Floats, resamples: int, seed: int) -> Interval:
    """Interval of the mean difference of a metric that both have for the same users, ``(users,)`` each.

    An interval without zero means better or worse. Raises ``ValueError`` for unequal lengths, no user, values that are
    not finite.
    """
    if challenger.shape != champion.shape or challenger.ndim != 1:
        raise ValueError(f"the two sides must have the same users: shapes {challenger.shape} and {champion.shape}")
    mean, low, high = bootstrap((challenger - champion)[:, None], resamples, seed)
    return Interval(float(mean[0]), float(low[0]), float(high[0]), len(champion))


def pooled(users: NDArray[Any], statistic: Callable[[Floats], float | None], resamples: int, seed: int) -> Interval:
    """Interval of a figure of all rows together, such as an AUC or the difference of two; ``users`` is ``(n,)``.

    ``statistic`` takes the weight of each row, ``(n,)``: how often its user was drawn. Draws in which it is ``None``
    (one class only) are left out. Raises ``ValueError`` where it is ``None`` for the rows themselves or in more than
    half of the draws.
    """
    _, row_user = np.unique(users, return_inverse=True)
    value = statistic(np.ones(len(users))) if len(users) else None
    if value is None:
        raise ValueError("the statistic is undefined for these rows: they are empty or hold one class only")
    num_users = int(row_user.max()) + 1
    drawn = [statistic(draws[row_user].astype(np.float64)) for draws in _draws(num_users, resamples, seed)]
    defined = [figure for figure in drawn if figure is not None]
    if 2 * len(defined) < resamples:
        raise ValueError(f"the statistic is undefined in {resamples - len(defined)} of {resamples} draws of users")
    low, high = np.quantile(defined, _TAILS)
    return Interval(float(value), float(low), float(high), num_users)


_TAILS = ((1.0 - LEVEL) / 2.0, (1.0 + LEVEL) / 2.0)


def _draws(num_users: int, resamples: int, seed: int) -> Iterator[NDArray[np.int64]]:
    """How often each user is drawn, ``(users,)``, once per resample."""
    generator = np.random.default_rng(seed)
    for _ in range(resamples):
        yield np.bincount(generator.integers(num_users, size=num_users), minlength=num_users)
