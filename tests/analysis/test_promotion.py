"""Champion against challenger: verdicts by interval, figures by hand, what cannot be measured."""

import json
from collections.abc import Sequence
from dataclasses import asdict, replace

import numpy as np
import pytest

from analysis.metrics.relevance import METRICS
from analysis.promotion import Comparison, ScoredRows, compare, losses
from contracts.heads import BINARY_HEADS, HEADS, LABEL_COLUMNS
from contracts.metrics.auc import auc
from contracts.metrics.calibration import bins_of_rows, calibration_error
from contracts.metrics.position import at_average_place
from contracts.settings import Promotion
from contracts.settings.examples import LIST_METRICS

GUARDED = Promotion().guarded
USERS, EACH = 60, 12


def scored(skill: float, seed: int = 1) -> ScoredRows:
    """The same users, posts and labels for every skill: 1 orders by the truth, 0 at random."""
    truth = np.random.default_rng(0)
    chance = truth.random(USERS * EACH)
    labels = {name: np.zeros(USERS * EACH) for name in LABEL_COLUMNS}
    labels["label_like"] = (truth.random(USERS * EACH) < chance).astype(np.float64)
    guess = skill * chance + (1 - skill) * np.random.default_rng(seed).random(USERS * EACH)
    return ScoredRows(
        users=np.repeat(np.arange(USERS), EACH),
        posts=np.tile(np.arange(EACH), USERS),
        value=guess,
        weight=np.ones(USERS * EACH),
        labels=labels,
        predictions={head.name: guess for head in HEADS},
    )


def compared(challenger: ScoredRows, baseline: ScoredRows, guarded: Sequence[str] = GUARDED) -> Comparison:
    return compare(challenger, baseline, guarded, resamples=200, num_bins=10, seed=1)


def test_the_settings_name_the_metrics_that_there_are() -> None:
    assert tuple(METRICS) == LIST_METRICS


@pytest.mark.parametrize(
    ("challenger", "champion", "lost"),
    [(0.0, 0.9, list(GUARDED)), (0.9, 0.0, []), (0.9, 0.9, [])],
    ids=["worse", "better", "tie"],
)
def test_only_a_clearly_worse_model_loses(challenger: float, champion: float, lost: list[str]) -> None:
    found = compared(scored(challenger), scored(champion))
    assert losses(found, GUARDED, 0.0) == lost
    gained = {name: figure["difference"] for name, figure in found.metrics.items() if figure is not None}
    assert set(gained) == {*METRICS, "auc:like"}
    if challenger == champion:
        assert all(set(values.values()) == {0.0} for values in gained.values())
    json.dumps(asdict(found), allow_nan=False)


def test_a_loss_that_is_tolerated_is_none() -> None:
    found = compared(scored(0.8), scored(0.9))
    worst = {name: figure["difference"]["high"] for name, figure in found.metrics.items() if figure is not None}
    assert losses(found, ("ndcg@10",), -worst["ndcg@10"] - 1e-6) == ["ndcg@10"]
    assert losses(found, ("ndcg@10",), -worst["ndcg@10"] + 1e-6) == []


def test_figures_are_those_of_the_rows() -> None:
    ours, theirs = scored(0.9), scored(0.5)
    found = compared(ours, theirs)
    like = found.metrics["auc:like"]
    assert like is not None
    assert like["challenger"]["mean"] == found.heads["auc"]["like"]["challenger"]
    assert like["challenger"]["mean"] == auc(ours.value, ours.labels["label_like"])
    assert like["difference"]["mean"] == pytest.approx(like["challenger"]["mean"] - like["baseline"]["mean"])
    assert like["challenger"]["low"] < like["challenger"]["mean"] < like["challenger"]["high"]
    assert found.heads["ece"]["like"]["challenger"] is not None
    assert set(found.heads["log_loss"]) == set(BINARY_HEADS)


def test_a_position_that_few_look_at_counts_for_more() -> None:
    users, posts = np.array([1, 1, 2, 2]), np.array([1, 2, 1, 2])
    labels = {name: np.zeros(4) for name in LABEL_COLUMNS} | {"label_like": np.array([1.0, 1.0, 1.0, 1.0])}
    first = ScoredRows(users, posts, np.array([2.0, 1.0, 2.0, 1.0]), np.array([1.0, 4.0, 1.0, 4.0]), labels, {})
    second = replace(first, value=-first.value)
    figure = compared(first, second).metrics["ndcg@10"]
    assert figure is not None
    best, other = 4 + 1 / np.log2(3), 1 + 4 / np.log2(3)
    assert figure["challenger"]["mean"] == pytest.approx(other / best)
    assert figure["baseline"]["mean"] == pytest.approx(1)


def test_a_scorer_without_heads_is_judged_by_its_order() -> None:
    model, simple = scored(0.9), replace(scored(0.2), predictions={})
    found = compared(model, simple, ("auc:like", "auc:hide"))
    assert found.heads["auc"]["like"]["baseline"] == auc(simple.value, simple.labels["label_like"])
    assert found.heads["log_loss"]["like"] == {
        "challenger": found.heads["log_loss"]["like"]["challenger"],
        "baseline": None,
    }
    assert found.metrics["auc:hide"] is None
    assert losses(found, ("auc:hide",), 0.0) is None
    assert losses(found, ("auc:hide", "auc:like"), 0.0) == []


def first(rows: ScoredRows, count: int) -> ScoredRows:
    return ScoredRows(
        rows.users[:count],
        rows.posts[:count],
        rows.value[:count],
        rows.weight[:count],
        {name: values[:count] for name, values in rows.labels.items()},
        {name: values[:count] for name, values in rows.predictions.items()},
    )


def test_nothing_is_said_of_too_little() -> None:
    one_user = [first(scored(skill), EACH) for skill in (0.0, 1.0)]
    no_likes = [
        replace(rows, labels={name: np.zeros(USERS * EACH) for name in LABEL_COLUMNS})
        for rows in map(scored, (0.0, 1.0))
    ]
    no_rows = [first(scored(skill), 0) for skill in (0.0, 1.0)]
    for challenger, baseline in (one_user, no_likes, no_rows):
        found = compared(challenger, baseline)
        assert losses(found, GUARDED, 0.0) is None
        json.dumps(asdict(found), allow_nan=False)


def test_rows_of_others_and_scores_that_are_no_numbers_are_refused() -> None:
    rows = scored(0.5)
    with pytest.raises(ValueError, match="not scored on the same rows"):
        compared(rows, replace(rows, users=rows.users[::-1]))
    broken = replace(rows, value=np.where(rows.posts == 3, np.nan, rows.value))
    assert (rows.is_finite, broken.is_finite) == (True, False)


def test_calibration_is_measured_at_the_average_place() -> None:
    rows = scored(0.5)
    chance = np.where(np.arange(USERS * EACH) % 2, 0.25, 1.0)
    placed = replace(rows, weight=1 / chance)
    observed = at_average_place(rows.labels["label_like"] > 0, 1 / chance)
    expected = calibration_error(bins_of_rows(rows.value, observed, 10))
    found = compared(placed, placed).heads["ece"]["like"]
    assert found == {"challenger": expected, "baseline": expected}
    assert found != compared(rows, rows).heads["ece"]["like"]
