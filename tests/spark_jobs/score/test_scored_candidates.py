"""Scoring: the same bytes whatever the batches, hand-checked values, clear errors."""

from collections.abc import Callable
from datetime import date
from math import cos, pi, sin
from pathlib import Path

import numpy as np
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from contracts.features import features_of, place_of
from contracts.heads import SCORE_COLUMNS
from contracts.settings import VALUE_PRESETS, Settings, ValueWeights
from contracts.value import value_score
from spark_jobs.night.gate.gate import run_gate
from spark_jobs.night.lake import Lake, checksum
from spark_jobs.night.night import Night
from spark_jobs.night.writers import write_partition
from spark_jobs.promote import promotions
from spark_jobs.rules.night_model import load_ranker, model_of
from spark_jobs.score import post_embeddings, scored_candidates
from spark_jobs.score.pair_stream import Inputs
from tests import scoring_lake
from tests.feature_values import numbers
from tests.feed_rows import frame_of, hours

USERS, POSTS = 41, 60

FADING = Settings(value=VALUE_PRESETS["seed"], value_preset="seed")
"""Settings under which the age of a post counts too."""


@pytest.fixture(scope="module")
def night(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Night:
    """A lake scored once. Friday evening: the day that is served is a Saturday."""
    folder = tmp_path_factory.mktemp("scored")
    night = Night(Lake(spark, str(folder / "lake")), date(2026, 3, 6), str(folder), folder / "runs", FADING)
    scoring_lake.register_model(night)
    scoring_lake.write_features(night, USERS, POSTS)
    scoring_lake.write_candidates(night, USERS, POSTS)
    post_embeddings.main(night)
    scored_candidates.main(night)
    return night


@pytest.mark.parametrize("user", [2, 3, USERS - 1], ids=["with affinity", "without affinity", "without features"])
def test_scores_are_those_of_the_ranker(night: Night, user: int) -> None:
    ranker = load_ranker(model_of(night).folder)
    of_user = F.col("user_id") == user
    scored = night.read("gold.scored_candidates").where(of_user).orderBy("post_id").toArrow().to_pydict()
    candidates = night.read("gold.feed_candidates").where(of_user).orderBy("post_id").toArrow().to_pydict()
    assert scored["post_id"] == candidates["post_id"]
    assert scored["author_id"] == candidates["author_id"]
    own = numbers(night.read("gold.user_features").where(of_user).first(), "user")
    affinity = {
        row.author_id: numbers(row, "pair") for row in night.read("gold.affinity_features").where(of_user).collect()
    }
    assert bool(affinity) == (user % 2 == 0)
    posts = {row.post_id: row for row in night.read("gold.post_features").collect()}
    chosen = [posts[post] for post in scored["post_id"]]
    default = numbers(None, "pair")
    saturday = {"weekday_sin": sin(5 * 2 * pi / 7), "weekday_cos": cos(5 * 2 * pi / 7), "is_weekend": 1.0}
    context = [
        own[place_of("user", feature.expected)] if feature.expected else saturday[feature.name]
        for feature in features_of("context")
    ]
    cross = np.array([affinity.get(row.author_id, default) + context for row in chosen], dtype=np.float32)
    vectors = ranker.post_vectors(np.array([numbers(row, "post") for row in chosen], dtype=np.float32))
    embedding, projection = ranker.user_vectors(np.array([own], dtype=np.float32))
    want = ranker.score(embedding[0], projection[0], *vectors, cross)
    for head in SCORE_COLUMNS:
        np.testing.assert_allclose(scored[head], want[head], rtol=1e-4, atol=1e-6)
    value = value_score(
        {head: np.array(scored[head]) for head in SCORE_COLUMNS},
        age_h=(np.array(scored["post_id"]) + 1) / 6,
        author_negative_rate=np.array([row.author_negative_rate for row in chosen]),
        weights=FADING.value,
    )
    np.testing.assert_allclose(scored["value_score"], value, rtol=1e-5)


@pytest.mark.parametrize(("partitions", "batch_rows"), [(1, 16384), (7, 16384), (7, 13), (3, 1)])
def test_bytes_do_not_depend_on_partitions_or_batches(night: Night, partitions: int, batch_rows: int) -> None:
    conf, changed = night.spark.conf, {"spark.sql.shuffle.partitions": partitions}
    changed["spark.sql.execution.arrow.maxRecordsPerBatch"] = batch_rows
    tables = ("gold.post_embeddings", "gold.scored_candidates")
    before = [checksum(night.read(name)) for name in tables]
    kept = {key: conf.get(key) for key in changed}
    try:
        for key, value in changed.items():
            conf.set(key, value)
        post_embeddings.main(night)
        scored_candidates.main(night)
    finally:
        for key, text in kept.items():
            conf.set(key, str(text))
    assert [checksum(night.read(name)) for name in tables] == before


def test_what_is_risky_is_worth_less(spark: SparkSession) -> None:
    weights = ValueWeights(misinformation_risk=0.0)
    risks = [
        {"post_id": 1, "text_at": hours(9), "clickbait": 0.9},
        {"post_id": 1, "text_at": hours(2), "clickbait": 0.5, "nsfw": 0.2, "misinformation": 0.7},
        {"post_id": 2, "text_at": hours(2)},
    ]
    found = post_embeddings.safeties(frame_of(spark, "gold.content_risks", risks), weights)
    assert {row.post_id: round(row.safety, 6) for row in found.collect()} == {1: 0.4, 2: 1.0}


def test_every_candidate_is_scored_once_and_finite(night: Night) -> None:
    scored = night.read("gold.scored_candidates")
    count = night.read("gold.feed_candidates").count()
    assert scored.count() == scored.select("user_id", "post_id").distinct().count() == count
    values = scored.select(*SCORE_COLUMNS, "value_score").toArrow().to_pandas().to_numpy()
    assert np.isfinite(values).all()
    assert ((values[:, :5] >= 0) & (values[:, :5] <= 1)).all()


def test_a_candidate_without_vector_names_the_table_and_the_post(night: Night) -> None:
    config = scored_candidates.read_config(night, model_of(night))
    stray = night.read("gold.feed_candidates").limit(1).withColumn("post_id", F.lit(999_999).cast("bigint"))
    inputs = Inputs(stray, night.read("gold.affinity_features"), night.read("gold.user_features"))
    with pytest.raises(Exception, match=r"gold.post_embeddings lacks 1 candidate posts, for example 999999"):
        scored_candidates.transform(inputs, config).collect()


def test_a_night_that_was_not_judged_names_the_table_and_the_day(make_night: Callable[..., Night]) -> None:
    with pytest.raises(ValueError, match=r"gold.promotions has no row with ds = 2026-03-08 and role = heavy"):
        post_embeddings.main(make_night())


def test_a_night_that_could_not_train_is_ranked_by_the_simple_score(make_night: Callable[..., Night]) -> None:
    night = make_night()
    scoring_lake.write_features(night, 5, 6)
    num_rows = scoring_lake.write_candidates(night, 5, 6)
    night.folder.mkdir(parents=True)
    (night.folder / "train.json").write_text('{"model_version": null, "reason": "too few days"}')
    promotions.main(night)
    post_embeddings.main(night)
    scored_candidates.main(night)
    scored = night.read("gold.scored_candidates")
    simple = night.read("gold.feed_candidates").select("user_id", "post_id", "simple_score")
    same = scored.join(simple, ["user_id", "post_id"]).where("value_score = simple_score AND p_like IS NULL")
    assert scored.count() == same.count() == num_rows
    assert night.read("gold.post_embeddings").isEmpty()
    tables = ("gold.post_embeddings", "gold.scored_candidates")
    assert all(run_gate(night, name)["success"] for name in tables)
    other = scored.withColumn("model_version", F.lit("0123456789abcdef")).localCheckpoint()
    write_partition(night.lake, "gold.scored_candidates", other, [night.ds])
    broken = {r["expectation"] for r in run_gate(night, "gold.scored_candidates")["results"] if not r["success"]}
    assert {"scored_by_who_scores_the_night", "heads_are_null_without_a_model_only"} <= broken
    scoring_lake.register_model(night)
    verdict = run_gate(night, "gold.post_embeddings")
    assert not verdict["success"], "a night with a model has a vector of every post"


def test_the_checkpoint_lies_under_the_lake(night: Night) -> None:
    assert Path(model_of(night).folder).is_dir()
