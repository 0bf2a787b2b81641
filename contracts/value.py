"""The value score: the expected value of showing one post to one user. This is the only place of the formula."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contracts.heads import HEADS
from contracts.landing import LABELS
from contracts.settings import ValueWeights

FloatArray = NDArray[np.floating[Any]]


def safety_of(risks: Mapping[str, Any], weights: ValueWeights) -> Any:
    """What is left of a post's quality, from 0 to 1, given its ``risks`` by label of ``contracts.landing.LABELS``.

    ``Π (1 - weight · risk)``. Takes arrays or Spark columns and returns the same kind.
    """
    left: Any = 1.0
    for label in LABELS:
        left = left * (1.0 - weights.risks[label] * risks[label])
    return left


def value_score(
    scores: Mapping[str, FloatArray],
    *,
    age_h: FloatArray,
    author_negative_rate: FloatArray,
    weights: ValueWeights,
    safety: FloatArray | float = 1.0,
) -> NDArray[np.float32]:
    """Value of each impression; all inputs have shape ``(n,)``; ``scores`` has one array per head, by score column.

    ``safety`` is that of ``safety_of``.
    ``quality = clip((1 - author_negative_rate) * safety, min_quality, 1)``,
    ``expected = sum(weight * score) + weights.quality * quality`` over ``contracts.heads``, and
    ``factor = exp(-age_decay_per_h * age_h) * quality``. A gain shrinks: ``expected * factor``. A loss must
    not shrink, else an old post that people hide would overtake a new one: it grows, ``expected * (2 - factor)``,
    by at most two, so that it stays finite at any age. Either way the value falls with age, with the author's
    negative rate and with risks, rises with ``expected``, and keeps its sign.
    """
    expected = np.zeros(len(age_h))
    for head in HEADS:
        expected += getattr(weights, head.value_weight) * scores[head.score_column]
    quality = np.clip((1.0 - author_negative_rate.astype(np.float64)) * safety, weights.min_quality, 1.0)
    expected = expected + weights.quality * quality
    factor = np.exp(-weights.age_decay_per_h * np.maximum(age_h.astype(np.float64), 0.0)) * quality
    value: NDArray[np.float64] = expected * np.where(expected >= 0.0, factor, 2.0 - factor)
    return value.astype(np.float32)
