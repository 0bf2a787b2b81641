from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import cast

import numpy as np
import pytest
import torch

from contracts.heads import HEAD_NAMES, LABEL_COLUMNS
from models.examples import FEATURE_COLUMNS, FEATURES, Examples, Shard
from models.network import by_entity
from models.networks.two_tower import TwoTower
from models.outputs import calibrate_heads, predict
from models.preparing import prepare, unread
from models.presets.tiny import tiny
from models.training import Trained, TrainingConfig, fit, judge
from tests.model_examples import DAYS, NETWORK_PRESETS, make_columns, untrained


class _InMemory:
    """Stands in for Examples: one shard per day."""

    def __init__(self, days: tuple[date, ...], num_rows: int = 3000, labels: float = 1.0) -> None:
        self._shards = []
        for day in days:
            columns = make_columns(day, num_rows)
            features = torch.from_numpy(np.column_stack([np.asarray(columns[name]) for name in FEATURE_COLUMNS]))
            values = torch.from_numpy(np.stack([columns[name] for name in LABEL_COLUMNS], axis=1)) * labels
            self._shards.append(Shard(features, values, torch.from_numpy(columns["weight"])))

    def __iter__(self) -> Iterator[Shard]:
        return iter(self._shards)


def _train(seed: int = 20, epochs: int = 3, labels: float = 1.0, report: list[str] | None = None) -> Trained:
    training, calibration, holdout = (
        cast("Examples", _InMemory(days, labels=labels)) for days in (DAYS[:2], DAYS[2:3], DAYS[3:])
    )
    lines = report if report is not None else []
    config = TrainingConfig(replace(tiny(), epochs=epochs), seed)
    return judge(fit(training, calibration, config, lines.append), calibration, holdout, config)


@pytest.fixture(scope="module")
def trained() -> Trained:
    return _train()


def test_the_planted_preference_is_found(trained: Trained) -> None:
    like = trained.metrics["like"]
    assert like["auc"] is not None
    assert like["auc"] > 0.62  # the planted logit itself reaches 0.72 on these rows
    assert like["ece"] is not None
    assert like["ece"] < 0.05
    assert trained.fitted.prepared.num_examples == 6000


def test_a_head_without_positives_has_null_metrics_and_the_mean_of_training(trained: Trained) -> None:
    assert trained.metrics["report"]["auc"] is None
    assert trained.calibration["report"].scale == pytest.approx(1.0, abs=0.01)
    predicted = trained.metrics["report"]["mean_predicted"]
    assert predicted is not None
    assert 0.3 / 6001 < predicted < 0.5 / 6001


def test_nights_are_scored_by_a_calibration_that_knows_the_heldout_days_and_judged_by_one_that_does_not(
    trained: Trained,
) -> None:
    def calibrated(days: tuple[date, ...]) -> dict[str, float]:
        outputs = predict(trained.fitted.model, cast("Examples", _InMemory(days)))
        priors = prepare(cast("Examples", _InMemory(DAYS[:2]))).priors
        return {head: found.offset for head, found in calibrate_heads(outputs, priors).items()}

    for found, days in ((trained.judged_calibration, DAYS[2:3]), (trained.calibration, DAYS[2:])):
        assert {head: values.offset for head, values in found.items()} == pytest.approx(calibrated(days))


def test_the_same_seed_gives_the_same_weights_bit_for_bit(trained: Trained) -> None:
    again, other = _train(), _train(seed=21, epochs=1)
    assert again.fitted.model.files() == trained.fitted.model.files()
    assert again.metrics == trained.metrics
    assert other.fitted.model.files() != trained.fitted.model.files()


def test_inputs_get_the_moments_of_the_training_rows(trained: Trained) -> None:
    columns = np.concatenate([make_columns(day, 3000)["user_age"] for day in DAYS[:2]])
    assert isinstance(trained.fitted.model, TwoTower)
    assert trained.fitted.model.user_input.mean[0].item() == pytest.approx(columns.mean(), rel=1e-5)
    assert trained.fitted.model.user_input.std[0].item() == pytest.approx(columns.std(), rel=1e-4)


def test_progress_names_each_head_and_the_speed() -> None:
    lines: list[str] = []
    _train(epochs=1, report=lines)
    assert len(lines) == 1
    assert lines[0].startswith("epoch 1/1  training ")
    assert all(f"{head} " in lines[0] for head in HEAD_NAMES)
    assert lines[0].endswith(" rows/s")


def test_the_best_epoch_is_kept() -> None:
    trained = _train(epochs=60)
    losses = [epoch.calibration_loss for epoch in trained.fitted.epochs if epoch.calibration_loss is not None]
    assert trained.fitted.best_epoch == losses.index(min(losses)) + 1
    assert len(losses) == trained.fitted.best_epoch + 1 < 60
    stopped_there = _train(epochs=trained.fitted.best_epoch).fitted.model.files()
    assert trained.fitted.model.files() == stopped_there


def test_too_few_positives_are_counted() -> None:
    with pytest.raises(
        ValueError, match=r"gold.training_examples: 0 positive labels \(like, .*\) in 6000 training rows"
    ):
        _train(labels=0.0)


class _Buried(_InMemory):
    """The same rows, two in three of which stand where four in ten look: what nobody looked at has no label."""

    def __init__(self, days: tuple[date, ...]) -> None:
        super().__init__(days)
        generator = torch.Generator().manual_seed(8)
        for number, shard in enumerate(self._shards):
            examined = torch.where(torch.arange(shard.num_rows) % 3 > 0, 0.4, 1.0)
            looked = torch.rand(shard.num_rows, generator=generator) < examined
            self._shards[number] = Shard(shard.features, shard.labels * looked[:, None], 1 / examined)


AVERAGE_CHANCE = (1.0 + 0.4 + 0.4) / 3


def test_predictions_are_those_of_a_log_in_which_every_place_is_looked_at_alike(trained: Trained) -> None:
    training, calibration, holdout = (cast("Examples", _Buried(days)) for days in (DAYS[:2], DAYS[2:3], DAYS[3:]))
    config = TrainingConfig(tiny(), 20)
    metrics = judge(fit(training, calibration, config, lambda _: None), calibration, holdout, config).metrics
    for head in ("like", "comment", "dwell"):  # the others are too rare to compare
        for name in ("mean_observed", "mean_predicted"):
            expected = trained.metrics[head][name]
            assert expected is not None
            assert metrics[head][name] == pytest.approx(AVERAGE_CHANCE * expected, rel=0.1), (head, name)
    # A third of the labels are missing, so the order is learnt from less.
    assert metrics["like"]["auc"] == pytest.approx(trained.metrics["like"]["auc"], abs=0.06)


def test_what_training_rows_say_of_a_head_is_corrected_too() -> None:
    seen = prepare(cast("Examples", _InMemory(DAYS[:2]))).priors
    buried = prepare(cast("Examples", _Buried(DAYS[:2]))).priors
    for head in ("like", "comment", "dwell"):
        assert buried[head].mean == pytest.approx(AVERAGE_CHANCE * seen[head].mean, rel=0.05), head
        assert buried[head].num_positives < seen[head].num_positives


WEEKDAYS = (
    "post_created_weekday",
    "post_created_on_weekday",
    "context_weekday_sin",
    "context_weekday_cos",
    "context_is_weekend",
)


@pytest.mark.parametrize("preset", NETWORK_PRESETS)
@pytest.mark.parametrize(("num_days", "is_read"), [(5, False), (13, False), (14, True), (None, True)])
def test_a_weekday_is_read_where_training_saw_two_of_each(preset: str, num_days: int | None, *, is_read: bool) -> None:
    torch.manual_seed(1)
    network = untrained(preset)
    network.prepare(prepare(cast("Examples", _InMemory(DAYS[:2], num_rows=500)), unread(num_days)).statistics)
    network.eval()
    shard = next(iter(_InMemory(DAYS[2:3], num_rows=500)))
    names = [feature.example_column for feature in FEATURES for _ in range(feature.size)]
    with torch.inference_mode():
        logits = network(*by_entity(shard.features))
        for name in WEEKDAYS:
            other = shard.features.clone()
            other[:, names.index(name)] = 1.0 - other[:, names.index(name)]
            assert torch.equal(network(*by_entity(other)), logits) is not is_read, name
        assert logits.isfinite().all()


def test_only_features_of_the_calendar_are_ever_left_unread() -> None:
    assert sorted(feature.example_column for feature in unread(1)) == sorted(WEEKDAYS)
