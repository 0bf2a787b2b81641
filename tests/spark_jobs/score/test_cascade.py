"""The light model chooses what the heavy one scores, if it has proven to know the heavy one's best."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from contracts.settings import Cascade, Models, PoolRules, Settings
from spark_jobs.night.gate.gate import run_gate
from spark_jobs.night.lake import Lake, checksum
from spark_jobs.night.night import Night
from spark_jobs.night.writers import write_partition
from spark_jobs.score import post_embeddings, scored_candidates
from spark_jobs.score.candidate_scorer import is_among_best
from tests import scoring_lake

USERS, POSTS, MOST, POOL = 31, 60, 20, 20
TABLE = "gold.scored_candidates"
LIGHT = Settings(
    models=Models(light="tiny"),
    cascade=Cascade(heavy_candidates=MOST, judged_users=8, min_recall=0.0),
    pool=PoolRules(size=POOL),
)


@pytest.fixture(scope="module")
def night(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Night:
    """Users with up to 60 candidates, of which up to two are of the source ``new``; the last user has few.

    The light model is another one than the heavy one.
    """
    folder = tmp_path_factory.mktemp("cascade")
    night = Night(Lake(spark, str(folder / "lake")), date(2026, 3, 6), str(folder), folder / "runs", LIGHT)
    scoring_lake.register_models(night, light_seed=4)
    scoring_lake.write_features(night, USERS, POSTS)
    scoring_lake.write_candidates(night, USERS, POSTS)
    is_new, is_few = F.col("post_id").isin(5, 6), (F.col("user_id") == USERS - 1) & (F.col("post_id") > MOST)
    sources = F.when(is_new, F.array(F.lit("friend"), F.lit("new"))).otherwise(F.col("sources"))
    changed = candidates_of(night).where(~is_few).withColumn("sources", sources).localCheckpoint()
    write_partition(night.lake, "gold.feed_candidates", changed, [night.ds])
    return night


def candidates_of(night: Night) -> DataFrame:
    return night.read("gold.feed_candidates")


def score_night(night: Night, settings: Settings = LIGHT) -> DataFrame:
    scored = replace(night, settings=settings)
    post_embeddings.main(scored)
    scored_candidates.main(scored)
    return night.read(TABLE).localCheckpoint()


def by_user(frame: DataFrame, value: str) -> dict[int, dict[int, float]]:
    found: dict[int, dict[int, float]] = {}
    for row in frame.select("user_id", "post_id", value).collect():
        found.setdefault(row.user_id, {})[row.post_id] = row[value]
    return found


def notes_of(night: Night) -> list[str]:
    notes: list[str] = night.files.notes(TABLE).read()
    return notes


def test_the_heavy_model_scores_the_best_of_the_light_one_and_what_is_new(night: Night) -> None:
    alone = replace(LIGHT, models=Models())
    heavy = by_user(score_night(night, alone), "value_score")
    assert notes_of(night) == []
    light = by_user(scored_by_light(night), "value_score")
    found = by_user(score_night(night), "value_score")
    new = {(row.user_id, row.post_id) for row in candidates_of(night).where("array_contains(sources, 'new')").collect()}
    assert new
    for user, mine in light.items():
        best = sorted(mine, key=lambda post: (-mine[post], post))[:MOST]
        wanted = set(best) | {post for post in mine if (user, post) in new}
        assert found[user] == {post: heavy[user][post] for post in wanted}, user
    assert len(found[USERS - 1]) == len(light[USERS - 1]) <= MOST, "of a user with few candidates all are scored"
    assert min(len(mine) for user, mine in light.items() if user < USERS - 1) > MOST
    assert run_gate(replace(night, settings=LIGHT), TABLE)["success"]
    verdict = run_gate(replace(night, settings=alone), TABLE)
    broken = {result["expectation"] for result in verdict["results"] if not result["success"]}
    assert broken == {"every_candidate_is_scored"}, "without a light model all candidates are scored"


def scored_by_light(night: Night) -> DataFrame:
    """All candidates, scored by the light model as if it were the heavy one."""
    scoring_lake.register_models(night, seed=4, light_seed=4)
    try:
        return score_night(night, replace(LIGHT, models=Models()))
    finally:
        scoring_lake.register_models(night, light_seed=4)


def test_the_note_has_the_recall_of_the_judged_users(night: Night) -> None:
    every = replace(LIGHT, cascade=replace(LIGHT.cascade, judged_users=USERS))
    heavy = by_user(score_night(night, replace(LIGHT, models=Models())), "value_score")
    found = by_user(score_night(night, every), "value_score")
    many = [user for user, mine in heavy.items() if len(mine) > MOST]
    best = {user: sorted(heavy[user], key=lambda post: (-heavy[user][post], post))[:POOL] for user in many}
    recall = sum(post in found[user] for user in many for post in best[user]) / (POOL * len(many))
    assert 0.0 < recall < 1.0
    (note,) = notes_of(night)
    assert note.startswith(
        f"of the {POOL} best candidates of each of {len(many)} users by the heavy model, {recall:.1%}"
    )
    assert note.endswith("it scores only those.")


def test_a_light_model_that_misses_too_many_does_not_choose(night: Night) -> None:
    strict = replace(LIGHT, cascade=replace(LIGHT.cascade, judged_users=USERS, min_recall=1.0))
    assert score_night(night, strict).count() == candidates_of(night).count()
    (note,) = notes_of(night)
    assert note.endswith("less than 100.0%: the heavy model scores every candidate.")


def test_a_light_model_that_is_the_heavy_one_misses_nothing(night: Night) -> None:
    scoring_lake.register_models(night, light_seed=3)
    try:
        strict = replace(LIGHT, cascade=replace(LIGHT.cascade, min_recall=1.0))
        assert score_night(night, strict).count() < candidates_of(night).count()
        assert ", 100.0% are among those" in notes_of(night)[0]
    finally:
        scoring_lake.register_models(night, light_seed=4)


def test_users_with_few_candidates_need_no_light_model(night: Night) -> None:
    enough = replace(LIGHT, cascade=replace(LIGHT.cascade, heavy_candidates=POSTS))
    assert score_night(night, enough).count() == candidates_of(night).count()
    assert notes_of(night) == [f"no user has more than {POSTS} candidates, so the heavy model scores them all."]


def test_a_night_without_its_light_model_scores_everything(night: Night) -> None:
    scoring_lake.register_models(night, light_seed=None)
    try:
        assert score_night(night).count() == candidates_of(night).count()
        assert notes_of(night) == ["the night trained no light model, so the heavy model scores every candidate."]
        assert night.read("gold.post_embeddings").where("light_embedding IS NOT NULL").isEmpty()
    finally:
        scoring_lake.register_models(night, light_seed=4)


@pytest.mark.parametrize(("partitions", "batch_rows"), [(2, 16384), (7, 13), (3, 1)])
def test_the_choice_does_not_depend_on_partitions_or_batches(night: Night, partitions: int, batch_rows: int) -> None:
    before, conf = checksum(score_night(night)), night.spark.conf
    changed = {"spark.sql.shuffle.partitions": partitions, "spark.sql.execution.arrow.maxRecordsPerBatch": batch_rows}
    kept = {key: conf.get(key) for key in changed}
    try:
        for key, value in changed.items():
            conf.set(key, value)
        assert checksum(score_night(night)) == before
    finally:
        for key, text in kept.items():
            conf.set(key, str(text))


def test_the_best_of_each_user_are_chosen_and_the_earlier_of_equal_ones() -> None:
    values = np.array([0.1, 0.3, 0.3, 0.2, 0.9, np.nan, -1.0, 0.0], dtype=np.float32)
    users = np.array([0, 0, 0, 0, 1, 2, 2, 2])
    assert is_among_best(values, users, 2).tolist() == [False, True, True, False, True, False, True, True]
    assert is_among_best(values, users, 1).tolist() == [False, True, False, False, True, False, False, True]
    assert is_among_best(values[:0], users[:0], 2).tolist() == []
