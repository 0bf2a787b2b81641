"""A night's new model against what served before it: the verdict, what scores, what is reported."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyspark.sql import SparkSession

from contracts.settings import Dataset, Settings
from models.checkpoint import write_checkpoint
from models.registry import register
from spark_jobs.night.gate.gate import run_gate
from spark_jobs.night.lake import Lake
from spark_jobs.night.night import Night
from spark_jobs.promote import heldout_rows, promotions
from spark_jobs.publish import ledger
from spark_jobs.rules.night_model import scorer_of
from tests import scoring_lake
from tests.analysis.test_promotion import scored
from tests.epoch_table import epoch_row, epoch_table
from tests.model_examples import make_config, make_network, read_models
from tests.models.test_registry import ROW

DS, HELD_OUT = date(2026, 3, 8), date(2026, 3, 7)
CHALLENGER = "c" * 16
Skills = Callable[..., None]


@pytest.fixture(scope="module")
def night(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Night:
    """A night after one that published: a model of each, a held-out day."""
    folder = tmp_path_factory.mktemp("promotions")
    night = Night(Lake(spark, str(folder / "lake")), DS, str(folder), folder / "runs", Settings())
    given = {"user_id": np.repeat(np.arange(4), 2), "post_id": np.tile(np.arange(2), 4)}
    scoring_lake.write_examples(night, HELD_OUT, given)
    night.lake.create("gold.models")
    epoch_table(Path(night.lake.root), epoch_row(1, "current", HELD_OUT.day, "{}"))
    return night


@pytest.fixture
def champion(night: Night) -> str:
    """Scored the night before; the challenger is trained anew."""
    root = Path(night.lake.root)
    version = write_checkpoint(root / "models", make_network(), make_config())
    examples = night.lake.version("gold.training_examples")
    for ds, of in ((HELD_OUT, version), (DS, CHALLENGER)):
        register(root, replace(ROW, ds=ds, model_version=of, path=f"models/{of}", examples_version=examples))
    publish(night, version)
    return version


def publish(night: Night, version: str, ds: date = HELD_OUT) -> None:
    row = epoch_row(1, "current", ds.day, json.dumps({"model_version": version}))
    ledger.record(night.lake.path("gold.epochs"), [row])


@pytest.fixture
def skills(monkeypatch: pytest.MonkeyPatch) -> Skills:
    """How well each model, and the simple score, orders the held-out examples; None gives no numbers."""

    def use(of: dict[str, float | None], simple: float = 0.4) -> None:
        def score(_night: Night, _examples: Any, model: Any) -> Any:
            skill = of[model.version]
            return replace(scored(0.0), value=np.full(720, np.nan)) if skill is None else scored(skill)

        monkeypatch.setattr(promotions, "score", score)
        monkeypatch.setattr(promotions, "by_simple_score", lambda *_: replace(scored(simple), predictions={}))

    return use


def broken(night: Night) -> set[str]:
    verdict = run_gate(night, "gold.promotions")
    assert verdict["success"]
    return {result["expectation"] for result in verdict["results"] if not result["success"]}


def test_a_rejected_model_is_told_of_everywhere_and_a_rerun_tells_the_same(
    night: Night, champion: str, skills: Skills
) -> None:
    skills({CHALLENGER: 0.1, champion: 0.9})
    promotions.main(night)
    (row,) = night.read("gold.promotions").collect()
    assert (row.verdict, row.model_version, row.path) == ("rejected", champion, f"models/{champion}")
    assert (row.challenger, row.champion, row.baseline) == (CHALLENGER, champion, champion)
    assert (row.heldout_days, row.num_users, row.num_examples) == (["2026-03-07"], 60, 720)
    assert f"clearly worse than the champion {champion}, which scores the night, on 720 held-out" in row.reason
    assert "ndcg@10 0." in row.reason
    assert json.loads(row.metrics)["ndcg@10"]["difference"]["high"] < -0.002
    stages = {model["model_version"]: (model["stage"], model["reason"]) for model in read_models(Path(night.lake.root))}
    assert stages == {champion: ("serving", None), CHALLENGER: ("rejected", row.reason)}
    record = night.files.promotion.read()
    assert (record["verdict"], record["reason"], record["metrics"]) == ("rejected", row.reason, json.loads(row.metrics))
    assert night.files.notes("gold.promotions").read() == [row.reason]
    assert broken(night) == {"the_new_model_serves"}
    scorer = scorer_of(night)
    assert (scorer.version, scorer.reason) == (champion, row.reason)
    assert scorer.model is not None
    assert Path(scorer.model.folder).is_dir()
    version = night.lake.version("gold.models")
    promotions.main(night)
    assert night.read("gold.promotions").collect() == [row]
    assert night.lake.version("gold.models") == version


@pytest.mark.parametrize(("skill", "gained"), [(0.5, 0.0), (0.9, 0.01)], ids=["tie", "better"])
def test_an_equal_or_better_model_is_promoted(
    night: Night, champion: str, skills: Skills, skill: float, gained: float
) -> None:
    skills({CHALLENGER: skill, champion: 0.5})
    judged = promotions.judge(night)
    assert (judged.verdict, judged.model_version, judged.baseline) == ("promoted", CHALLENGER, champion)
    assert judged.metrics["auc:like"]["difference"]["mean"] >= gained


@pytest.mark.parametrize("served", ["simple-score", "f" * 16])
@pytest.mark.parametrize("skill", [0.1, 0.9])
def test_without_a_champion_that_can_be_used_the_simple_score_is_the_measure(
    night: Night, champion: str, skills: Skills, served: str, skill: float
) -> None:
    assert champion != served
    publish(night, served)
    why = "" if served == "simple-score" else f"{served} cannot be loaded: FileNotFoundError"
    skills({CHALLENGER: skill})
    judged = promotions.judge(night)
    expected = ("promoted", CHALLENGER) if skill > 0.4 else ("rejected", "simple-score")
    assert (judged.verdict, judged.model_version, judged.baseline) == (*expected, "simple-score")
    assert (judged.why_not_champion or "").startswith(why)
    assert judged.reason.startswith(f"the champion {why}" if why else "model")
    assert (judged.path is None) == (judged.model_version == "simple-score")


def test_what_cannot_be_judged_does_not_serve(night: Night, champion: str, skills: Skills) -> None:
    skills({CHALLENGER: 0.9, champion: 0.1})
    publish(night, champion, DS)  # not before this night, so this is a first one
    unheld = replace(night, settings=Settings(dataset=Dataset(holdout_days=0)))
    judged = promotions.judge(unheld)
    assert (judged.verdict, judged.model_version) == ("unproven", "simple-score")
    assert "no held-out day is unknown to it and to the simple score" in judged.reason
    unliked = replace(scored(0.9), labels=dict.fromkeys(scored(0.9).labels, np.zeros(720)))
    with pytest.MonkeyPatch.context() as patch:
        for name in ("score", "by_simple_score"):
            patch.setattr(promotions, name, lambda *_: unliked)
        judged = promotions.judge(night)
    assert (judged.verdict, judged.model_version) == ("unproven", "simple-score")
    assert "ndcg@10, auc:like cannot be measured on 720 held-out examples" in judged.reason


def test_a_day_that_the_champion_may_know_is_not_judged_on(night: Night, champion: str, skills: Skills) -> None:
    skills({CHALLENGER: 0.9, champion: 0.1})
    publish(night, champion, DS)
    later = replace(night, ds=date(2026, 3, 9))
    examples = night.lake.version("gold.training_examples")
    register(Path(night.lake.root), replace(ROW, ds=later.ds, model_version=CHALLENGER, examples_version=examples))
    judged = promotions.judge(later)
    assert (judged.verdict, judged.model_version, judged.heldout_days) == ("unproven", champion, ())


def test_scores_that_are_no_numbers_are_no_scores(night: Night, champion: str, skills: Skills) -> None:
    skills({CHALLENGER: None, champion: 0.9})
    judged = promotions.judge(night)
    assert (judged.verdict, judged.model_version) == ("rejected", champion)
    skills({CHALLENGER: 0.9, champion: None})
    judged = promotions.judge(night)
    assert (judged.verdict, judged.baseline) == ("promoted", "simple-score")
    assert judged.why_not_champion == f"{champion} gives scores that are no numbers"


def test_a_night_that_trained_no_model_is_ranked_by_the_simple_score(night: Night, champion: str) -> None:
    night.files.training().write({"model_version": None, "reason": "too few days"})
    try:
        judged = promotions.judge(night)
    finally:
        night.files.training().remove()
    assert (judged.verdict, judged.model_version, judged.champion) == ("untrained", "simple-score", champion)
    assert judged.reason == "no model was trained: too few days; the simple score ranks the night"


def test_the_simple_score_of_an_example_is_that_of_a_candidate(night: Night) -> None:
    rows = heldout_rows.by_simple_score(night.read("gold.training_examples"), night.settings)
    example = night.read("gold.training_examples").where("user_id = 3 AND post_id = 1").first()
    assert example is not None
    likes, comments, shares = (
        np.round(np.expm1(example[f"post_log_{name}"])) for name in ("likes", "comments", "shares")
    )
    known = np.expm1(example["pair_log_interactions"])
    relationship = max(example["pair_is_friend"], example["pair_is_follower"], known / (known + 20))
    assert night.settings.smoothing.strength == 20
    expected = 0.3 * np.exp(-0.1 * 1) + 0.4 * np.log1p(likes + 2 * comments + 3 * shares) + 0.3 * relationship
    assert rows.value[-1] == pytest.approx(expected, rel=1e-6)
    assert rows.predictions == {}
