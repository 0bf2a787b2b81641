"""The value score: what showing one post to one user is expected to be worth. The formula stands here only."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from contracts.settings import ValueWeights

FloatArray = NDArray[np.floating[Any]]


def value_score(
    *,
    p_like: FloatArray,
    p_comment: FloatArray,
    p_share: FloatArray,
    p_hide: FloatArray,
    p_report: FloatArray,
    dwell_s: FloatArray,
    age_h: FloatArray,
    author_negative_rate: FloatArray,
    weights: ValueWeights,
) -> NDArray[np.float32]:
    """Value of each impression; all inputs have shape ``(n,)``: probabilities, seconds, hours, a rate.

    ``quality = clip(1 - author_negative_rate, min_quality, 1)``,
    ``expected = sum(weight * p) + dwell_per_s * dwell_s + weights.quality * quality`` and
    ``factor = exp(-age_decay_per_h * age_h) * quality``. A gain shrinks: ``expected * factor``. A loss must
    not shrink, else an old post that people hide would overtake a new one: it grows, ``expected * (2 - factor)``,
    by at most two, so that it stays finite at any age. Either way the value falls with age and with the author's
    negative rate, rises with ``expected``, and keeps its sign.
    """
    expected = (
        weights.like * p_like.astype(np.float64)
        + weights.comment * p_comment
        + weights.share * p_share
        + weights.hide * p_hide
        + weights.report * p_report
        + weights.dwell_per_s * dwell_s
    )
    quality = np.clip(1.0 - author_negative_rate.astype(np.float64), weights.min_quality, 1.0)
    expected = expected + weights.quality * quality
    factor = np.exp(-weights.age_decay_per_h * np.maximum(age_h.astype(np.float64), 0.0)) * quality
    value: NDArray[np.float64] = expected * np.where(expected >= 0.0, factor, 2.0 - factor)
    return value.astype(np.float32)
