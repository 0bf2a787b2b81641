"""Choose an estimator: the least noisy one that the less biased ones do not contradict.

Source: SLOPE, of Su, Srinath and Krishnamurthy, "Adaptive Estimator Selection for Off-Policy Evaluation", ICML 2020.
Its error is within a constant factor of the best candidate's. SLOPE takes candidates in order of bias with ever
narrower intervals, so a candidate that is not narrower than all before it is left out first.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from analysis.off_policy.decisions import DecisionLog, doubly_robust, ips, self_normalised
from analysis.off_policy.estimates import Estimate
from analysis.off_policy.feeds import (
    FeedLog,
    cascade_doubly_robust,
    cascade_ips,
    cascade_self_normalised,
    feed_ips,
)
from analysis.off_policy.predicted import Predicted

WIDENING = 2.0
"""Factor by which SLOPE widens each interval before it compares them."""


@dataclass(frozen=True)
class Choice:
    """The chosen estimate, all candidates in order of bias, and why this one."""

    estimate: Estimate
    candidates: tuple[Estimate, ...]
    reason: str


def choose_for_decisions(log: DecisionLog, predicted: Predicted | None = None) -> Choice:
    """Choose among IPS, doubly robust (where predictions are given) and self-normalised IPS."""
    model_based = [] if predicted is None else [doubly_robust(log, predicted)]
    return choose([ips(log), *model_based, self_normalised(log)])


def choose_for_feeds(log: FeedLog, predicted: Predicted | None = None) -> Choice:
    """Choose among IPS of the whole feed, and cascade IPS, doubly robust (with predictions) and self-normalised."""
    model_based = [] if predicted is None else [cascade_doubly_robust(log, predicted)]
    return choose([feed_ips(log), cascade_ips(log), *model_based, cascade_self_normalised(log)])


def choose(candidates: Sequence[Estimate]) -> Choice:
    """Choose by SLOPE among candidates that are in order of bias, the least biased first.

    The intervals of those kept are widened; the last one that has a point in common with all before it is chosen.
    Raises ``ValueError`` without a candidate.
    """
    if not candidates:
        raise ValueError("there is no estimator to choose from")
    kept = [candidates[0]]
    for candidate in candidates[1:]:
        if _half_width(candidate) < _half_width(kept[-1]):
            kept.append(candidate)
    num_agreeing = _count_agreeing(kept)
    chosen = kept[num_agreeing - 1]
    reasons = [f"narrowest, ± {_half_width(chosen):.4g}" if chosen is kept[-1] else f"± {_half_width(chosen):.4g}"]
    if num_agreeing > 1:
        reasons.append(f"agrees with {_names(kept[: num_agreeing - 1])}, less biased and wider")
    if noisier := [candidate for candidate in candidates if candidate not in kept]:
        reasons.append(f"{_names(noisier)}: not narrower than a less biased one")
    if num_agreeing < len(kept):
        reasons.append(f"{kept[num_agreeing].estimator}: narrower, but contradicts less biased ones")
    return Choice(chosen, tuple(candidates), f"{chosen.estimator}: " + "; ".join(reasons))


def _count_agreeing(kept: Sequence[Estimate]) -> int:
    """How many of the first have widened intervals with a point in common."""
    margins = [WIDENING * _half_width(estimate) for estimate in kept]
    lows = [estimate.value - margin for estimate, margin in zip(kept, margins, strict=True)]
    highs = [estimate.value + margin for estimate, margin in zip(kept, margins, strict=True)]
    return max(count for count in range(1, len(kept) + 1) if max(lows[:count]) <= min(highs[:count]))


def _names(estimates: Sequence[Estimate]) -> str:
    return ", ".join(estimate.estimator for estimate in estimates)


def _half_width(estimate: Estimate) -> float:
    return (estimate.high - estimate.low) / 2.0
