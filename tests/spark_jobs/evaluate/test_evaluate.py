"""Evaluation: hand-computed metrics, who counts, figures without NaN, the same whatever the batches."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyspark.sql import DataFrame, SparkSession

from contracts.heads import BINARY_HEADS, HEAD_NAMES, LABEL_COLUMNS, SCORE_COLUMNS
from contracts.metrics.auc import auc
from contracts.metrics.calibration import bins_of_rows, calibration_quality
from contracts.metrics.position import at_average_place
from contracts.settings import Dataset, Evaluation, Settings
from spark_jobs.evaluate import evaluate, head_quality, user_metrics
from spark_jobs.night.lake import Lake, checksum
from spark_jobs.night.night import Night
from spark_jobs.promote import promotions
from spark_jobs.rules import heldout_scores
from spark_jobs.rules.night_model import model_of
from tests import scoring_lake

DAY = date(2026, 3, 7)
REASON = "no model was trained: too few days; the simple score ranks the night"


def scored_rows(rows: list[dict[str, Any]]) -> pa.Table:
    """Scored examples; each row gives what matters."""
    base: dict[str, Any] = {"created_s": 0, "num_prior_likes": 0, "content_type": "photo", "weight": 1.0}
    base |= dict.fromkeys((*LABEL_COLUMNS, *SCORE_COLUMNS, "value_score"), 0.0)
    return pa.Table.from_pylist([base | row for row in rows])


# User 1: the ranker is right, newest first is wrong, likes tie and post ids decide. User 2: no positive. User 3: one.
ROWS: list[dict[str, Any]] = [
    {"user_id": 1, "post_id": 10, "label_like": 1.0, "value_score": 0.5, "created_s": 1, "p_like": 0.2},
    {"user_id": 1, "post_id": 11, "label_share": 1.0, "value_score": 0.9, "created_s": 2, "p_like": 0.3},
    {"user_id": 1, "post_id": 12, "value_score": 0.1, "created_s": 3, "p_like": 0.1, "content_type": "link"},
    {"user_id": 2, "post_id": 10, "value_score": 0.5, "p_like": 0.6},
    {"user_id": 2, "post_id": 11, "value_score": 0.4, "p_like": 0.6},
    {"user_id": 3, "post_id": 10, "label_like": 1.0, "p_like": 0.9},
]


def test_metrics_of_one_user_by_hand() -> None:
    batches = scored_rows(ROWS).to_batches(max_chunksize=2)
    rows = pa.Table.from_batches(user_metrics.measure(batches)).to_pylist()
    whole = {row["user_id"]: row for row in rows if row["slice"] == "all"}
    assert {user: (row["num_examples"], row["num_positives"]) for user, row in whole.items()} == {
        1: (3, 2),
        2: (2, 0),
        3: (1, 1),
    }
    first = whole[1]
    best = 3 + 1 / np.log2(3)
    assert first["ranker:ndcg@10"] == pytest.approx(1)
    assert first["chronological:ndcg@10"] == pytest.approx((3 / np.log2(3) + 1 / 2) / best)
    assert first["popularity:ndcg@10"] == pytest.approx((1 + 3 / np.log2(3)) / best)
    assert (first["ranker:mrr"], first["chronological:mrr"]) == (1, 0.5)
    assert first["ranker:precision@10"] == pytest.approx(0.2)
    assert first["ranker:recall@10"] == 1
    assert first["auc:like"] == pytest.approx(0.5)
    assert whole[2]["auc:like"] is None
    photos = next(row for row in rows if row["user_id"] == 1 and row["slice"] == "photo")
    assert (photos["num_examples"], photos["auc:like"]) == (2, None)


def test_only_users_with_two_examples_and_a_positive_count(spark: SparkSession) -> None:
    scored = spark.createDataFrame(scored_rows(ROWS)).coalesce(1)
    report = evaluate.evaluate(scored, Evaluation(resamples=50), seed=1)
    assert (report["num_users"], report["num_users_left_out"], report["num_examples"]) == (1, 2, 6)
    assert report["metrics"]["ndcg@10"]["ranker"]["mean"] == pytest.approx(1)
    assert set(report["differences"]["ndcg@10"]) == {"ranker-chronological", "ranker-popularity"}
    assert report["segments"]["users"]["new"]["num_users"] == 1
    assert set(report["segments"]["content_type"]) == {"photo"}
    # likes: 0.2 and 0.9 against 0.3, 0.1, 0.6, 0.6: 1 + 4 of 8 pairs won
    assert report["auc"]["like"] == pytest.approx(5 / 8)
    assert report["auc"]["hide"] is None
    assert report["grouped_auc"]["like"] == pytest.approx(0.5)
    loss = -np.log([0.2, 0.7, 0.9, 0.4, 0.4, 0.9]).mean()
    assert report["log_loss"]["like"] == pytest.approx(loss, rel=1e-6)
    json.dumps(report, allow_nan=False)


def test_no_user_that_counts_gives_empty_metrics(spark: SparkSession) -> None:
    scored = spark.createDataFrame(scored_rows(ROWS[3:])).coalesce(1)
    report = evaluate.evaluate(scored, Evaluation(resamples=50), seed=1)
    assert (report["num_users"], report["metrics"], report["segments"]["users"]) == (0, {}, {})


def test_counted_auc_and_calibration_are_those_of_the_rows(spark: SparkSession) -> None:
    generator = np.random.default_rng(4)
    p = generator.random(3000)
    labels = (generator.random(3000) < p).astype(float)
    rows: list[dict[str, Any]] = [
        {"user_id": 1, "post_id": i, "label_hide": labels[i], "p_hide": p[i], "dwell_s": 2.0} for i in range(3000)
    ]
    counts = head_quality.count_scores(spark.createDataFrame(scored_rows(rows)))
    summary = head_quality.summarise_heads(counts, 10)
    pairs = p[labels > 0][:, None] > p[labels == 0][None, :]
    assert summary["auc"]["hide"] == pytest.approx(pairs.mean(), abs=1e-4)
    bins = summary["calibration"]["hide"]
    assert len(bins) == 10
    assert sum(count for _, _, count in bins) == 3000
    assert bins[0][0] == pytest.approx(np.sort(p)[:300].mean(), abs=2e-3)
    assert summary["ece"]["hide"] < 0.05
    assert summary["relative_error"]["hide"] == pytest.approx(p.mean() / labels.mean() - 1)
    assert summary["slope"]["hide"] == pytest.approx(1.0, abs=0.1)
    assert summary["calibration"]["dwell"] == [[pytest.approx(2.0), 0.0, 3000]]
    assert (summary["relative_error"]["dwell"], summary["slope"]["dwell"]) == (None, None)


def test_calibration_is_measured_at_the_average_place(spark: SparkSession) -> None:
    generator = np.random.default_rng(5)
    p, chance = generator.uniform(0.1, 0.6, 3000), generator.choice([1.0, 0.25], 3000)
    logged = ((generator.random(3000) < p) & (generator.random(3000) < chance)).astype(float)
    rows: list[dict[str, Any]] = [
        {"user_id": 1, "post_id": i, "label_like": logged[i], "p_like": p[i], "weight": 1 / chance[i]}
        for i in range(3000)
    ]
    summary = head_quality.summarise_heads(head_quality.count_scores(spark.createDataFrame(scored_rows(rows))), 10)
    bins = bins_of_rows(p, at_average_place(logged, 1 / chance), 10)
    for name, value in calibration_quality(bins).items():
        assert summary[name]["like"] == pytest.approx(value, rel=1e-2), name
    assert np.array(summary["calibration"]["like"])[:, 1] == pytest.approx(bins.observed, rel=0.02)
    assert summary["auc"]["like"] == pytest.approx(auc(p, logged), abs=1e-3)  # of the labels as logged


def example_columns(seed: int) -> dict[str, Any]:
    generator = np.random.default_rng(seed)
    users = np.repeat(np.arange(30), 12)
    columns: dict[str, Any] = {"user_id": users, "post_id": generator.integers(0, 80, len(users))}
    columns["num_prior_likes"] = generator.integers(0, 5, len(users))
    for head in BINARY_HEADS:
        columns[f"label_{head}"] = (generator.random(len(users)) < 0.2).astype(np.float32)
    return columns


@pytest.fixture
def night(make_night: Callable[..., Night]) -> Night:
    """Examples of four days before the night, one of them too old, and of the night itself."""
    dataset = Dataset(training_days=4, calibration_days=1, holdout_days=2)
    night = make_night(DAY + timedelta(days=1), Settings(dataset=dataset, evaluation=Evaluation(resamples=50)))
    for days_before in (-1, 0, 2, 9):
        scoring_lake.write_examples(night, DAY - timedelta(days=days_before), example_columns(days_before + 5))
    scoring_lake.register_model(night, night.lake.version("gold.training_examples"))
    return night


def test_the_report_is_complete_and_a_rerun_writes_the_same(night: Night) -> None:
    evaluate.main(night)
    text = (night.folder / "metrics.json").read_text()
    report = json.loads(text)
    assert report["heldout_days"] == ["2026-03-05", "2026-03-07"]
    assert report["num_examples"] == 2 * 360
    assert report["num_users"] + report["num_users_left_out"] == 30
    for metric in ("ndcg@10", "ndcg@50", "mrr", "precision@10", "recall@10"):
        for value in report["metrics"][metric].values():
            assert 0 <= value["low"] <= value["mean"] <= value["high"] <= 1
    assert all(0 <= value <= 1 for value in report["auc"].values())
    assert set(report["calibration"]) == set(HEAD_NAMES)
    evaluate.main(night)
    assert (night.folder / "metrics.json").read_text() == text


def test_the_examples_of_the_trained_version_are_used(night: Night) -> None:
    scoring_lake.write_examples(night, DAY - timedelta(days=1), example_columns(1))
    evaluate.main(night)
    assert json.loads((night.folder / "metrics.json").read_text())["heldout_days"] == ["2026-03-05", "2026-03-07"]


def test_a_night_without_a_model_has_nothing_to_judge_and_says_why(make_night: Callable[..., Night]) -> None:
    night = make_night()
    night.folder.mkdir(parents=True)
    (night.folder / "train.json").write_text('{"model_version": null, "reason": "too few days"}')
    promotions.main(night)
    evaluate.main(night)
    report = json.loads((night.folder / "metrics.json").read_text())
    assert report == {"model_version": None, "heldout_days": [], "metrics": {}, "reason": REASON}


def test_scores_do_not_depend_on_partitions_or_batches(night: Night) -> None:
    config = heldout_scores.Config(model_of(night), night.settings.value, 1)
    examples = night.read("gold.training_examples")

    def score(partitions: int) -> DataFrame:
        return heldout_scores.transform(examples, replace(config, num_partitions=partitions))

    one = checksum(score(1))
    key = "spark.sql.execution.arrow.maxRecordsPerBatch"
    kept = str(night.spark.conf.get(key))
    try:
        night.spark.conf.set(key, 7)
        assert checksum(score(7)) == one
    finally:
        night.spark.conf.set(key, kept)


def test_a_night_without_examples_names_the_table(lake: Lake, make_night: Callable[..., Night]) -> None:
    night = make_night()
    scoring_lake.register_model(night)
    lake.create("gold.training_examples")
    with pytest.raises(ValueError, match=r"gold.training_examples has no examples of the 7 days before 2026-03-08"):
        evaluate.main(night)
