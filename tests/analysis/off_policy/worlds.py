"""Small worlds whose truth is known: single decisions among items, and users who read feeds from the top."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.off_policy.decisions import DecisionLog
from analysis.off_policy.feeds import FeedLog
from contracts.metrics.columns import Floats

Ints = NDArray[np.int64]
START = 0
"""The row of a feed policy for the first position; row 1 + i is for the position below item i."""


@dataclass(frozen=True)
class Decisions:
    """A log of decisions with the items chosen and the target policy's probabilities of all, ``(n, a)``."""

    log: DecisionLog
    items: Ints
    target: Floats


def decide(logging: Floats, target: Floats, means: Floats, size: int, seed: int) -> Decisions:
    """Draw ``size`` decisions of the logging policy; an item's reward is 1 with its mean, else 0."""
    generator = np.random.default_rng(seed)
    items = generator.choice(len(means), size=size, p=logging)
    rewards = (generator.random(size) < means[items]).astype(np.float64)
    return Decisions(DecisionLog(rewards, logging[items], target[items]), items, np.tile(target, (size, 1)))


@dataclass(frozen=True)
class Feeds:
    """A log of feeds with their items, what stands above each, and the target policy, ``(n, k, a)``."""

    log: FeedLog
    items: Ints
    above: Ints
    target: Floats


def read_feeds(logging: Floats, target: Floats, clicks: Floats, *, num_positions: int, size: int, seed: int) -> Feeds:
    """Draw feeds of the logging policy, read from the top; half of those who click leave.

    All three are ``(1 + a, a)``: by what stands above, the probability of an item and the chance that it is clicked.
    """
    generator = np.random.default_rng(seed)
    above, is_here = np.full(size, START), np.ones(size, dtype=bool)
    columns: dict[str, list[NDArray[Any]]] = {name: [] for name in ("items", "above", "rewards")}
    for _ in range(num_positions):
        item = (generator.random((size, 1)) > logging[above].cumsum(axis=1)[:, :-1]).sum(axis=1)
        is_clicked = is_here & (generator.random(size) < clicks[above, item])
        for name, values in (("items", item), ("above", above), ("rewards", is_clicked.astype(np.float64))):
            columns[name].append(values)
        is_here = is_here & ~(is_clicked & (generator.random(size) < 0.5))
        above = item + 1
    items, stands_above = (np.stack(columns[name], axis=1).astype(np.int64) for name in ("items", "above"))
    rewards = np.stack(columns["rewards"], axis=1)
    log = FeedLog(rewards, logging[stands_above, items], target[stands_above, items])
    return Feeds(log, items, stands_above, target[stands_above])


def true_value(policy: Floats, clicks: Floats, num_positions: int) -> float:
    """Expected clicks per feed of a policy in the world of ``read_feeds``, from the last position upwards."""
    below = np.zeros(len(policy))
    for _ in range(num_positions):
        # A click is worth 1, and half of those who click see nothing below.
        below = (policy * (clicks + (1.0 - clicks / 2.0) * below[1:])).sum(axis=1)
    return float(below[START])
