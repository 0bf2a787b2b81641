"""Metrics per segment of users: new, light and heavy ones, countries, devices, content types."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.metrics.bootstrap import bootstrap
from contracts.metrics.columns import Floats


@dataclass(frozen=True)
class SegmentMeans:
    """Mean of each metric over a segment's users with its 95 % interval, ``(m,)`` each; one user has no width."""

    num_users: int
    mean: Floats
    low: Floats
    high: Floats


def by_segment(values: Floats, segments: NDArray[Any], resamples: int, seed: int) -> dict[str, SegmentMeans]:
    """Means of ``values`` ``(users, m)`` per segment ``(users,)``, in the order of their names.

    A segment's figures depend on its own users alone. Raises ``ValueError`` for other lengths and for values that are
    not finite.
    """
    if len(values) != len(segments):
        raise ValueError(f"{len(values)} users have a metric, {len(segments)} a segment")
    means = {}
    for segment in np.unique(segments):
        inside = values[segments == segment]
        means[str(segment)] = SegmentMeans(len(inside), *bootstrap(inside, resamples, seed))
    return means
