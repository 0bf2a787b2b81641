"""Label models against known truths, without Spark."""

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("hypothesis", reason="the training environment reads no texts")

from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from contracts.metrics.auc import auc
from models.calibration import sigmoid
from models.content.label_model import LabelModel, Quality, fit_label, log_odds, loss, share_among, version_of

NUM_BUCKETS = 64
CERTAIN = 20.0
"""Log odds of a verdict beyond doubt."""


def words_of(rows: list[list[int]]) -> sparse.csr_array:
    present = np.zeros((len(rows), NUM_BUCKETS))
    for row, words in enumerate(rows):
        present[row, words] = 1
    return sparse.csr_array(present)


def fit(
    inputs: np.ndarray, present: sparse.csr_array, evidence: np.ndarray, **others: float
) -> tuple[LabelModel, Quality]:
    settings = {"share": 0.5, "clear": 1.0, "fewest_posts": 5, "min_posts": 2, "shrinkage": 1.0, **others}
    folds = np.arange(len(evidence)) % 5
    return fit_label(inputs.astype(np.float32), present, evidence, folds, **settings)  # type: ignore[arg-type]


def drawn(count: int, intercept: float, seed: int = 1) -> tuple[np.ndarray, sparse.csr_array, np.ndarray, np.ndarray]:
    """Posts of a logistic truth: three inputs of unlike scales, the first without meaning, and one telling word."""
    draw = np.random.default_rng(seed)
    inputs = draw.standard_normal((count, 3)) * [1.0, 10.0, 0.1] + [0.0, 5.0, 1.0]
    has_word = draw.random(count) < 0.3
    chance = sigmoid(intercept + inputs @ [0.0, 0.2, -10.0] + 1.5 * has_word)
    present = words_of([[3, 7] if has else [3] for has in has_word])
    return inputs, present, draw.random(count) < chance, chance


@given(st.integers(0, 1000))
def test_the_gradient_is_that_of_the_loss(seed: int) -> None:
    draw = np.random.default_rng(seed)
    rows, evidence = sparse.csr_array(draw.standard_normal((30, 4))), draw.normal(0, 3, 30)
    at = draw.standard_normal(5)
    _, gradient = loss(at, rows, evidence, 0.7)
    steps = 1e-6 * np.eye(5)
    numerical = [(loss(at + h, rows, evidence, 0.7)[0] - loss(at - h, rows, evidence, 0.7)[0]) / 2e-6 for h in steps]
    np.testing.assert_allclose(gradient, numerical, rtol=1e-5, atol=1e-5)


def test_a_logistic_truth_is_found_whatever_the_scale_of_its_inputs() -> None:
    inputs, present, is_it, chance = drawn(20_000, 8.5)
    model, quality = fit(inputs, present, np.where(is_it, CERTAIN, -CERTAIN), share=is_it.mean())
    deviations = 4 * np.array([0.02, 0.002, 0.25])
    assert np.all(np.abs(model.coefficients - [0.0, 0.2, -10.0]) < deviations)
    assert list(model.words) == [3, 7]
    # Word 3 is in every post: with it, and alike the intercept, nothing can be told apart.
    assert model.word_coefficients[1] == pytest.approx(1.5, abs=0.2)
    assert model.intercept + model.word_coefficients[0] == pytest.approx(8.5, abs=0.5)
    np.testing.assert_allclose(model.probabilities(inputs, present), chance, atol=0.05)
    assert (quality.num_positives, quality.num_negatives) == (is_it.sum(), (~is_it).sum())
    assert quality.auc is not None
    assert quality.auc > 0.85
    assert quality.calibration_error is not None
    assert quality.calibration_error < 0.015


def test_at_the_minimum_the_gradient_vanishes() -> None:
    """Of inputs with mean 0 and deviation 1, on which the fit is the plain ridge problem."""
    draw = np.random.default_rng(5)
    inputs, _ = np.linalg.qr(draw.standard_normal((200, 4)))
    inputs = inputs - inputs.mean(0)
    inputs /= inputs.std(0)
    evidence = np.where(draw.random(200) < sigmoid(inputs[:, 0]), CERTAIN, -CERTAIN)
    share = share_among(evidence)
    model, _ = fit(inputs, words_of([[]] * 200), evidence, share=share, shrinkage=3.0)
    exact = inputs.astype(np.float32).astype(np.float64)
    at = np.concatenate([[model.intercept], model.coefficients.astype(np.float64)])
    _, gradient = loss(at, sparse.csr_array(exact), evidence, 3.0)
    np.testing.assert_allclose(gradient, 0, atol=0.01)  # coefficients are rounded to five decimals


def test_posts_judged_because_they_looked_like_it_do_not_raise_the_probability_of_all() -> None:
    """One of ten others is judged for every post that is it: the share among all posts is still right."""
    inputs, present, is_it, _ = drawn(40_000, 4.5)
    judged = is_it | (np.random.default_rng(2).random(len(is_it)) < 0.1)
    evidence = np.where(is_it, CERTAIN, -CERTAIN)[judged]
    model, _ = fit(inputs[judged], present[judged], evidence, share=is_it.mean())
    naive, _ = fit(inputs[judged], present[judged], evidence, share=is_it[judged].mean())
    found = model.probabilities(inputs, present)
    assert is_it.mean() < 0.5 * is_it[judged].mean()
    assert found.mean() == pytest.approx(is_it.mean(), rel=0.05)
    assert naive.probabilities(inputs, present).mean() > 2 * is_it.mean()
    likely = found > 0.5
    assert is_it[likely].mean() == pytest.approx(found[likely].mean(), abs=0.05)


def test_the_share_of_judged_posts_is_told_from_verdicts_that_are_sometimes_wrong() -> None:
    draw, right = np.random.default_rng(3), log_odds(0.9)
    is_it = draw.random(20_000) < 0.04
    said = [np.where(draw.random(20_000) < 0.9, is_it, ~is_it) for _ in range(2)]
    evidence = np.sum([np.where(one, right, -right) for one in said], axis=0)
    assert np.mean(evidence > 0) > 0.04 * 0.81 + 0.96 * 0.009
    assert np.mean(said[0]) > 0.12
    assert share_among(evidence) == pytest.approx(0.04, abs=0.006)


def test_verdicts_that_may_be_wrong_do_not_make_every_post_suspect() -> None:
    """Where nobody is asked twice and a tenth of the verdicts are wrong, what the inputs make clear is still clear."""
    inputs, present, is_it, chance = drawn(20_000, 4.5, seed=4)
    said = np.where(np.random.default_rng(6).random(20_000) < 0.9, is_it, ~is_it)
    right = log_odds(0.9)
    evidence = np.where(said, right, -right)
    model, quality = fit(inputs, present, evidence, share=share_among(evidence))
    found = model.probabilities(inputs, present)
    calm = chance < 0.01
    assert calm.sum() > 2000
    assert found[calm].mean() == pytest.approx(chance[calm].mean(), abs=0.003)
    np.testing.assert_allclose(found, chance, atol=0.08)
    # Quality is that against the truth, not against the verdicts, which no model can foretell so well.
    ones = np.ones(len(said))
    assert quality.auc == pytest.approx(auc(found, is_it.astype(float), ones), abs=0.01)
    assert auc(found, said.astype(float), ones) == pytest.approx(quality.auc - 0.15, abs=0.1)  # type: ignore[operator]
    assert quality.calibration_error is not None
    assert quality.calibration_error < 0.02


@pytest.mark.parametrize(("positives", "negatives"), [(4, 50), (50, 4), (0, 0)])
def test_without_enough_verdicts_of_either_kind_the_share_stands(positives: int, negatives: int) -> None:
    evidence = np.array([2.0] * positives + [-2.0] * negatives)
    evidence = np.append(evidence, [0.9, -0.9] * 10)  # of which people disagree
    inputs = np.random.default_rng(0).standard_normal((len(evidence), 3))
    model, quality = fit(inputs, words_of([[1]] * len(evidence)), evidence, share=0.02)
    assert (model.is_fitted, quality) == (False, Quality(positives, negatives))
    other = np.ones((7, 3), np.float32)
    np.testing.assert_allclose(model.probabilities(other, words_of([[1]] * 7)), 0.02)


def test_nothing_is_told_from_noise() -> None:
    """Each post has a word and a number of its own, and a label by lot: a model that saw a post would know it."""
    draw = np.random.default_rng(9)
    count = 600
    evidence = np.where(draw.random(count) < 0.5, CERTAIN, -CERTAIN)
    present = words_of([[post % NUM_BUCKETS] for post in range(count)])
    _, quality = fit(draw.standard_normal((count, 20)), present, evidence)
    assert quality.auc == pytest.approx(0.5, abs=0.08)


def test_what_never_varies_and_rare_or_unknown_words_count_for_nothing() -> None:
    inputs, present, is_it, _ = drawn(400, 8.5)
    inputs[:, 0] = 4.0
    rare = words_of([[3, 60] if post == 0 else [3] for post in range(400)]).maximum(present)
    model, _ = fit(inputs, sparse.csr_array(rare), np.where(is_it, CERTAIN, -CERTAIN))
    assert model.coefficients[0] == 0
    assert 60 not in model.words
    others = inputs[:2].astype(np.float32)
    known, unknown = (model.probabilities(others, words_of([words] * 2)) for words in ([3], [3, 60, 61]))
    np.testing.assert_array_equal(known, unknown)


def test_the_same_posts_give_the_same_model_and_any_change_another_version() -> None:
    inputs, present, is_it, _ = drawn(400, 8.5)
    evidence = np.where(is_it, CERTAIN, -CERTAIN)
    one, two = (fit(inputs, present, evidence)[0] for _ in range(2))
    version = version_of("texts", {"nsfw": one})
    assert version == version_of("texts", {"nsfw": two})
    others = [
        version_of("other texts", {"nsfw": one}),
        version_of("texts", {"clickbait": one}),
        version_of("texts", {"nsfw": replace(one, intercept=one.intercept + 1e-5)}),
        version_of("texts", {"nsfw": replace(one, coefficients=one.coefficients + np.float32(1e-5))}),
        version_of("texts", {"nsfw": replace(one, words=one.words + np.int32(1))}),
        version_of("texts", {"nsfw": replace(one, word_coefficients=-one.word_coefficients)}),
    ]
    assert len({version, *others}) == 7
