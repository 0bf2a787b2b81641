"""The examination curve: how often the post at each position is looked at, relative to position 1.

Position-based model (Craswell, Zoeter, Taylor and Ramsey, "An Experimental Comparison of Click Position-Bias Models",
WSDM 2008): ``P(engaged | post x at position k) = examined_k * relevance(x)``. Two estimates, explained in
``docs/propensities.md``: from randomised slots, and by regression EM where nothing was randomised.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.integer[Any]]

NUM_GROUPS = 20
"""Groups of users of the jackknife."""
T_QUANTILE = 2.093
"""97.5 % quantile of Student's t with ``NUM_GROUPS - 1`` degrees of freedom."""
NORMAL_QUANTILE = 1.96
RIDGE = 1.0
"""Prior precision of a coefficient of a standardised feature; weak, so that the data decide."""


@dataclass(frozen=True)
class Curve:
    """Examined probability of each bin of positions relative to the first, with its 95 % interval; all ``(B,)``."""

    examined: Floats
    low: Floats
    high: Floats


@dataclass(frozen=True)
class Counts:
    """Counts of randomised impressions by position, depth and group; every column is ``(n,)``.

    ``reach`` is the deepest position of the request, ``group`` a hash of the user below ``NUM_GROUPS``. Sums over the
    impressions: their number, and the inverse logged propensities of all and of engaged ones.
    """

    bin: Ints
    reach: Ints
    group: Ints
    num_impressions: Floats
    inverse: Floats
    engaged_inverse: Floats


@dataclass(frozen=True)
class Fitted:
    """Curve, and the penalised log-likelihood per impression at the start of each iteration: it never falls."""

    curve: Curve
    log_likelihoods: tuple[float, ...]
    converged: bool


def pool_positions(num_engaged: Floats, minimum: float) -> Ints:
    """Bin of each position 1, 2, ..., ``(P,)``: neighbours share one until it holds ``minimum`` engagements.

    Position 1 is the reference and stays alone; a scarce tail joins the bin before it.
    """
    bins = np.zeros(len(num_engaged), dtype=np.int64)
    current, held = 0, float("inf")
    for index, engaged in enumerate(num_engaged[1:].tolist(), start=1):
        if held >= minimum:
            current, held = current + 1, 0.0
        bins[index] = current
        held += engaged
    if held < minimum:
        bins[bins == current] = max(current - 1, 0)
    return bins


def from_randomised(counts: Counts) -> Curve:
    """Ratio of inverse-propensity-weighted engagement rates of each bin and of position 1, on the same traffic.

    In a stratum r of requests equally deep, ``rate_rb = sum(engaged / propensity) / sum(1 / propensity)``. Bins are
    compared within strata and pooled with the weights of Mantel and Haenszel (1959), ``n_rb * n_r1 / (n_rb + n_r1)``:
    ``examined_b = sum_r(weight_rb * rate_rb) / sum_r(weight_rb * rate_r1)``. The interval is the delete-a-group
    jackknife on the logarithm (Kott, "The Delete-a-Group Jackknife", Journal of Official Statistics 2001), which
    needs no assumption on how the impressions of one user depend on each other.
    Raises ``ValueError`` where a bin, or position 1 beside it, has no engagement.
    """
    shape = (NUM_GROUPS, int(counts.reach.max()) + 1, int(counts.bin.max()) + 1)
    sums = np.zeros((3, *shape))
    for total, column in zip(sums, (counts.num_impressions, counts.inverse, counts.engaged_inverse), strict=True):
        np.add.at(total, (counts.group, counts.reach, counts.bin), column)
    everyone = sums.sum(axis=1)
    examined = _compare_bins(everyone)
    if not (np.isfinite(examined) & (examined > 0)).all():
        bad = np.flatnonzero(~(np.isfinite(examined) & (examined > 0))).tolist()
        raise ValueError(f"bins {bad} have no engagement to compare with position 1; pool more positions")
    with np.errstate(divide="ignore"):
        deviations = np.stack([np.log(_compare_bins(everyone - sums[:, group])) for group in range(NUM_GROUPS)])
    deviations -= np.log(examined)
    error = np.sqrt((NUM_GROUPS - 1) / NUM_GROUPS * (deviations**2).sum(axis=0))
    error[~np.isfinite(error)] = np.inf  # all the evidence is in one group: the interval is infinite
    return Curve(examined, examined * np.exp(-T_QUANTILE * error), examined * np.exp(T_QUANTILE * error))


def _compare_bins(sums: Floats) -> Floats:
    """Examined probability per bin from sums ``(3, reach, bin)``."""
    count, inverse, engaged = sums
    with np.errstate(invalid="ignore", divide="ignore"):
        rate = np.where(inverse > 0, engaged / inverse, 0.0)
        weight = np.where(count > 0, count * count[:, :1] / (count + count[:, :1]), 0.0)
        return np.asarray((weight * rate).sum(axis=0) / (weight * rate[:, :1]).sum(axis=0), dtype=np.float64)


def regression_em(
    features: Floats, bins: Ints, engaged: NDArray[np.bool_], *, tolerance: float = 1e-9, max_iterations: int = 2000
) -> Fitted:
    """Examination per bin and relevance from features, ``(n, F)``, fitted together to a log without randomisation.

    Wang, Golbandi, Bendersky, Metzler and Najork, "Position Bias Estimation for Unbiased Learning to Rank in Personal
    Search", WSDM 2018; the regression is logistic. E step, for an impression without engagement: it was examined with
    ``e * (1 - g) / (1 - e * g)`` and relevant with ``g * (1 - e) / (1 - e * g)``, both 1 where engaged. M step:
    ``e_b`` is the mean of the first over its bin, and ``g`` moves towards the second by one step that cannot overshoot
    (Boehning and Lindsay 1988: the logistic Hessian is at most a quarter of the design's). Only the product is
    observed, so ``e`` of position 1 stays 1. Intervals are those of the Fisher information, coefficients included.
    """
    design = _standardise(features)
    share = np.bincount(bins)
    penalty = np.full(design.shape[1], RIDGE)
    penalty[0] = 0.0
    damped = np.linalg.inv(design.T @ design / 4 + np.diag(penalty))
    coefficients = np.zeros(design.shape[1])
    coefficients[0] = _logit(float(engaged.mean()))
    examined = np.full(len(share), 0.5)  # a start at 1 would stay 1
    examined[0] = 1.0
    path: list[float] = []
    while len(path) < max_iterations:
        relevance, seen = _sigmoid(design @ coefficients), examined[bins]
        missed = np.maximum(1.0 - seen * relevance, 1e-12)
        likelihood = np.log(np.where(engaged, seen * relevance, missed)).sum() - (penalty * coefficients**2).sum() / 2
        path.append(float(likelihood) / len(bins))
        if len(path) > 1 and path[-1] - path[-2] < tolerance:
            break
        was_examined = np.where(engaged, 1.0, seen * (1.0 - relevance) / missed)
        was_relevant = np.where(engaged, 1.0, relevance * (1.0 - seen) / missed)
        examined = np.bincount(bins, was_examined) / share
        examined[0] = 1.0
        coefficients = coefficients + damped @ (design.T @ (was_relevant - relevance) - penalty * coefficients)
    error = _standard_errors(design, bins, examined, coefficients, penalty)
    low, high = (examined * np.exp(sign * NORMAL_QUANTILE * error) for sign in (-1, 1))
    return Fitted(Curve(examined, low, high), tuple(path), converged=len(path) < max_iterations)


def _standard_errors(design: Floats, bins: Ints, examined: Floats, coefficients: Floats, penalty: Floats) -> Floats:
    """Standard error of each bin's log examined probability, 0 for the first, from the expected information."""
    relevance = _sigmoid(design @ coefficients)
    chance = examined[bins] * relevance
    scale = chance / (1.0 - chance)
    slopes = design * (1.0 - relevance)[:, None]
    information = np.zeros((len(examined) + design.shape[1],) * 2)
    num_bins = len(examined)
    information[:num_bins, :num_bins] = np.diag(np.bincount(bins, scale))
    for number in range(num_bins):
        rows = bins == number
        information[number, num_bins:] = scale[rows] @ slopes[rows]
    information[num_bins:, :num_bins] = information[:num_bins, num_bins:].T
    information[num_bins:, num_bins:] = (slopes * scale[:, None]).T @ slopes + np.diag(penalty)
    free = information[1:, 1:]
    return np.concatenate([[0.0], np.sqrt(np.diag(np.linalg.inv(free))[: num_bins - 1])])


def _standardise(features: Floats) -> Floats:
    """A column of ones and the features with mean 0 and deviation 1; constant ones are left out."""
    spread = features.std(axis=0)
    varying = spread > 1e-9 * (1.0 + np.abs(features).max(axis=0, initial=0.0))
    scaled = (features[:, varying] - features[:, varying].mean(axis=0)) / spread[varying]
    return np.column_stack([np.ones(len(features)), scaled])


def _sigmoid(logits: Floats) -> Floats:
    positive = np.exp(-np.abs(logits))
    return np.where(logits >= 0, 1.0, positive) / (1.0 + positive)


def _logit(probability: float) -> float:
    return float(np.log(probability / (1.0 - probability)))


def inverse_weights(examined: Floats, num_examples: Floats, max_weight: float) -> Floats:
    """Weight per position, ``min(1 / examined, max_weight)`` divided by its mean over the examples; all ``(P,)``."""
    clipped = np.minimum(1.0 / examined, max_weight)
    return np.asarray(clipped / np.average(clipped, weights=num_examples), dtype=np.float64)
