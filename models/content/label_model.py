"""The label model: logistic regression of clickbait, NSFW or misinformation on a post's reading.

Verdicts are evidence in log odds, weighted by the labeller's known accuracy. The likelihood sums over the unknown
truth, so that a wrong verdict counts less if the text speaks against it (Raykar et al., "Learning From Crowds", 2010,
with given error rates). Judged posts are not a fair sample of all posts; the intercept is corrected for that (King and
Zeng, "Logistic Regression in Rare Events Data", 2001).
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import minimize

from contracts.metrics.auc import auc
from contracts.metrics.calibration import bins_of_rows, calibration_error
from contracts.metrics.columns import Floats
from models.calibration import sigmoid
from models.content.encoder import DIGITS, count_matrix, rounded

CONSTANT = 1e-2
"""Inputs that vary less than this are ignored."""

CERTAIN = 1e-3
"""Shares of judged posts are clipped to this distance from 0 and 1."""

CALIBRATION_BINS = 10
SHARE_STEPS = 200
MOST_STEPS = 500


@dataclass(frozen=True)
class LabelModel:
    """Log odds = ``intercept`` + inputs @ ``coefficients`` + the ``word_coefficients`` of the text's known ``words``.

    ``words`` are buckets, ascending. An unfitted model has no coefficients, and its intercept is that of all posts.
    """

    intercept: float
    coefficients: NDArray[np.float32]
    words: NDArray[np.int32]
    word_coefficients: NDArray[np.float32]

    @classmethod
    def unfitted(cls, share: float) -> "LabelModel":
        """The model that predicts the label's share of all posts."""
        return cls(log_odds(share), np.zeros(0, np.float32), np.zeros(0, np.int32), np.zeros(0, np.float32))

    @property
    def is_fitted(self) -> bool:
        """Whether there were enough verdicts for a model."""
        return len(self.coefficients) > 0

    def probabilities(self, inputs: NDArray[np.float32], present: sparse.csr_array) -> Floats:
        """Probability of the label for each post; ``inputs`` (post, input), ``present`` (post, bucket)."""
        if not self.is_fitted:
            return sigmoid(np.full(len(inputs), self.intercept))
        of_words = np.zeros(present.shape[1])
        of_words[self.words] = self.word_coefficients
        return sigmoid(self.intercept + inputs.astype(np.float64) @ self.coefficients + present @ of_words)


@dataclass(frozen=True)
class Quality:
    """Numbers of posts with clear verdicts, and cross-validated quality on judged posts; ``None`` without a model."""

    num_positives: int
    num_negatives: int
    auc: float | None = None
    calibration_error: float | None = None


def log_odds(share: float) -> float:
    """ln(p / (1 - p))."""
    return float(np.log(share) - np.log1p(-share))


def presence(buckets: pa.ListArray, num_buckets: int) -> sparse.csr_array:
    """(text, bucket): 1 if the text has the word."""
    matrix = count_matrix(buckets, num_buckets)
    matrix.data[:] = 1.0
    return matrix


def version_of(content_version: str, models: Mapping[str, LabelModel]) -> str:
    """Hash of everything that decides a probability."""
    digest = hashlib.sha256(content_version.encode())
    for label, model in sorted(models.items()):
        digest.update(f"{label} {model.intercept!r} {len(model.coefficients)} {len(model.words)}".encode())
        for array in (model.coefficients, model.words, model.word_coefficients):
            digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:16]


def share_among(evidence: Floats) -> float:
    """The share of positives with the largest likelihood of the judged posts' evidence, by EM."""
    share = 0.5
    for _ in range(SHARE_STEPS):
        share = float(np.clip(sigmoid(log_odds(share) + evidence).mean(), CERTAIN, 1 - CERTAIN))
    return share


def fit_label(
    inputs: NDArray[np.float32],
    present: sparse.csr_array,
    evidence: Floats,
    folds: NDArray[np.int64],
    *,
    share: float,
    clear: float,
    fewest_posts: int,
    min_posts: int,
    shrinkage: float,
) -> tuple[LabelModel, Quality]:
    """Fit on judged posts in a fixed order: ``inputs`` (post, input), ``present`` (post, bucket), ``evidence`` (post).

    There is no model if fewer than ``fewest_posts`` posts have evidence beyond ``clear`` for it, or against it.
    Quality comes from cross-validation; the model itself is fitted on all posts. Calibration is measured among judged
    posts, before the intercept is shifted to the label's ``share`` of all posts.
    """
    from threadpoolctl import threadpool_limits  # noqa: PLC0415 - only fitting needs it

    positives, negatives = int((evidence > clear).sum()), int((evidence < -clear).sum())
    if min(positives, negatives) < fewest_posts:
        return LabelModel.unfitted(share), Quality(positives, negatives)
    judged_share = share_among(evidence)
    # The matrices are small: threads would wait for each other, on a busy machine a hundred times as long.
    with threadpool_limits(1, user_api="blas"):
        held_out = np.empty(len(evidence))
        for fold in np.unique(folds):
            out = folds == fold
            model = _fit(inputs[~out], present[~out], evidence[~out], min_posts, shrinkage)
            held_out[out] = model.probabilities(inputs[out], present[out])
        model = _fit(inputs, present, evidence, min_posts, shrinkage)
    intercept = model.intercept + log_odds(share) - log_odds(judged_share)
    fitted = LabelModel(round(intercept, DIGITS), model.coefficients, model.words, model.word_coefficients)
    return fitted, Quality(positives, negatives, *_quality(held_out, evidence, judged_share))


def _quality(probabilities: Floats, evidence: Floats, share: float) -> tuple[float | None, float | None]:
    """AUC and calibration error against unbiased labels: their mean over the possible verdicts is the truth.

    The posterior given the verdicts is not unbiased: because people err, it stays away from 0 and 1. So it is stretched
    by its own means among positive and among negative posts, with itself as the weight.
    """
    likely = sigmoid(log_odds(share) + evidence)
    of_others, of_these = (float(np.average(likely, weights=weights)) for weights in (1.0 - likely, likely))
    labels = (likely - of_others) / (of_these - of_others)
    area = auc(probabilities, labels)
    error = calibration_error(bins_of_rows(probabilities, labels, CALIBRATION_BINS))
    return None if area is None else min(max(area, 0.0), 1.0), error


def _fit(
    inputs: NDArray[np.float32], present: sparse.csr_array, evidence: Floats, min_posts: int, shrinkage: float
) -> LabelModel:
    """Minimise ``loss``; inputs are standardised for it, words stay 0 or 1."""
    num_posts = np.asarray(present.sum(axis=0)).ravel()
    words = np.flatnonzero(num_posts >= min_posts).astype(np.int32)
    plain = inputs.astype(np.float64)
    mean, deviation = plain.mean(0), plain.std(0)
    scale = np.where(deviation > CONSTANT, 1.0 / np.maximum(deviation, CONSTANT), 0.0)
    # float64: with float32, rounding of the sums would decide where the search ends.
    known = sparse.csr_array(present[:, words], dtype=np.float64)
    rows = sparse.hstack([sparse.csr_array((plain - mean) * scale), known], format="csr")
    fitted = minimize(
        loss,
        np.zeros(1 + rows.shape[1]),
        args=(rows, evidence, shrinkage),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": MOST_STEPS, "ftol": 1e-14, "gtol": 1e-7},
    ).x
    coefficients = fitted[1 : 1 + len(scale)] * scale
    return LabelModel(
        round(float(fitted[0] - coefficients @ mean), DIGITS),
        rounded(coefficients),
        words,
        rounded(fitted[1 + len(scale) :]),
    )


def loss(
    parameters: Floats, rows: sparse.csr_array, evidence: Floats, shrinkage: float
) -> tuple[float, NDArray[np.float64]]:
    """Negative log-likelihood of the verdicts plus ``shrinkage`` / 2 times the squared coefficients, and its gradient.

    ``parameters``: the intercept, which is not shrunk, then a coefficient per column of ``rows``. Verdicts with
    evidence e on a post with probability p have the likelihood p · exp(e) + 1 - p, up to a factor that no parameter
    changes.
    """
    coefficients = parameters[1:]
    scores = parameters[0] + rows @ coefficients
    value = (np.logaddexp(0.0, scores) - np.logaddexp(0.0, scores + evidence)).sum()
    value += shrinkage / 2 * (coefficients @ coefficients)
    residual = sigmoid(scores) - sigmoid(scores + evidence)
    gradient = np.concatenate([[residual.sum()], rows.T @ residual + shrinkage * coefficients])
    return float(value), gradient
