"""Slates without position, session and device train the ranker with weight 1, and estimate no propensity."""

import json
from typing import Any

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from analysis.report import render
from contracts.features import features_of
from spark_jobs.examples import propensities
from spark_jobs.night.gate.gate import run_gate
from spark_jobs.night.lake import Lake
from spark_jobs.night.night import Night, load_settings
from tests.small_sites import DS, LANDED, build, without_positions

NOTE = "no impression of feed has a position: regression EM is skipped, every example weighs 1"
SESSION = {"session", "device", "connection", "location"}


@pytest.fixture(scope="module")
def slates(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Night:
    folder = tmp_path_factory.mktemp("slates")
    without_positions(folder / "landing")
    settings = load_settings(str(folder / "landing"))
    night = Night(Lake(spark, str(folder / "lake")), DS, str(folder / "landing"), folder / "runs", settings)
    build(night, *LANDED)
    return night


@pytest.mark.slow
def test_slates_without_positions(slates: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: Any, **__: Any) -> Any:
        raise AssertionError("regression EM has nothing to compare")

    monkeypatch.setattr(propensities, "regression_em", never)
    build(slates, "gold.propensities", "gold.training_examples")
    shown = slates.read("silver.impressions").persist()
    known = shown.agg(*(F.count(name).alias(name) for name in ("position", "session_id", "device"))).first()
    assert known is not None
    assert known.asDict() == {"position": 0, "session_id": 0, "device": 0}
    assert slates.read("gold.propensities").count() == 0
    examples = slates.read("gold.training_examples").persist()
    counted = examples.agg(
        F.count("*").alias("examples"),
        F.count(F.when(F.col("author_id").isNull(), 1)).alias("nobodys"),
        F.min("weight").alias("least"),
        F.max("weight").alias("most"),
        F.sum("label_like").alias("likes"),
    ).first()
    assert counted is not None
    assert (counted.least, counted.most) == (1.0, 1.0)
    notes = json.loads((slates.folder / "notes" / "gold.propensities.json").read_text())
    assert notes == [NOTE]
    assert f"gold.propensities: {NOTE}" in render(slates.folder)
    for table in ("silver.posts", "silver.impressions", "gold.propensities", "gold.training_examples"):
        assert run_gate(slates, table)["success"], table
    print(
        f"{shown.count():,} impressions without position, session and device: {counted.examples:,} examples, ", end=""
    )
    print(f"{counted.nobodys:,} of them of nobody's posts, {counted.likes:,.0f} likes, weights {counted.least} only")
    print(f"told: {notes[0]}")
    assert counted.nobodys > 500


@pytest.mark.slow
def test_what_a_session_would_tell_is_what_is_expected_of_the_user(slates: Night) -> None:
    build(slates, "gold.training_examples")
    features = [feature for feature in features_of("context") if feature.group in SESSION and feature.expected]
    assert len(features) > 5
    differ = [
        F.sum((F.col(feature.example_column) != F.col(f"user_{feature.expected}")).cast("int")).alias(feature.name)
        for feature in features
    ]
    row = slates.read("gold.training_examples").agg(*differ).first()
    assert row is not None
    assert row.asDict() == {feature.name: 0 for feature in features}
