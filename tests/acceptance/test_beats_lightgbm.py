"""The ranker orders a held-out day at least as well as LightGBM does from the same rows and the same dense inputs.

2,000 simulated users, eight days. LightGBM is the best of a fixed grid, chosen on the calibration day; the ranker stops
and calibrates on that day too. Both are judged on the held-out day: NDCG@10 of the order by value against the order by
the chance of any engagement, and AUC of likes. Intervals are 95 %, over users drawn anew, the same for both.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from contracts.metrics.columns import Floats
from spark_jobs.lake import Lake
from spark_jobs.night import Night, load_settings
from spark_jobs.night_model import model_of
from spark_jobs.simulate import simulate
from tests.landed import DS
from tests.nights import run_night
from tests.ranker_rows import (
    Rows,
    like_auc,
    like_auc_difference,
    model_scores,
    ndcg_by_user,
    ndcg_difference,
    read_rows,
)

lightgbm = pytest.importorskip("lightgbm", reason="the lake environment is older than its lock file")

GRID: tuple[dict[str, Any], ...] = (
    {},
    {"num_leaves": 15, "learning_rate": 0.05, "n_estimators": 200},
    {"num_leaves": 15, "learning_rate": 0.05, "n_estimators": 200, "min_child_samples": 100, "colsample_bytree": 0.5},
    {"num_leaves": 31, "learning_rate": 0.03, "n_estimators": 300, "min_child_samples": 100, "colsample_bytree": 0.5},
)

pytestmark = pytest.mark.slow


def quality(rows: Rows, target: str, scores: Floats) -> float:
    """What the grid is chosen by: NDCG@10 for any engagement, AUC for likes."""
    return float(ndcg_by_user(rows, scores).mean()) if target == "any" else like_auc(rows, scores)


def best_of_grid(training: Rows, calibration: Rows, holdout: Rows, target: str) -> Floats:
    """LightGBM's scores of the held-out rows, of ``any`` engagement or of a ``like``."""
    labels = training.grades() > 0 if target == "any" else training.column("label_like") > 0
    found: list[tuple[float, Floats]] = []
    for words in GRID:
        model = lightgbm.LGBMClassifier(n_jobs=2, random_state=20, verbose=-1, deterministic=True, **words)
        model.fit(training.dense, labels)
        known, unseen = (model.predict_proba(rows.dense)[:, 1] for rows in (calibration, holdout))
        found.append((quality(calibration, target, known), unseen))
        print(f"LightGBM {target}: {found[-1][0]:.4f} on the calibration day with {words or 'its defaults'}")
    return max(found, key=lambda pair: pair[0])[1]


def compare(lake_root: Path, model: Path, report: dict[str, Any]) -> None:
    """Judge the model of ``report``, which training wrote, on the days that it names."""
    training, calibration, holdout = (read_rows(lake_root, report["days"][name]) for name in report["days"])
    ours = model_scores(holdout, model)
    theirs = {target: best_of_grid(training, calibration, holdout, target) for target in ("any", "like")}
    print(f"{report['preset']} trained in {report['seconds']:.0f} s on {report['rows']:,} rows")
    print(f"NDCG@10: most liked first {ndcg_by_user(holdout, holdout.column('num_prior_likes')).mean():.4f}")
    order = ndcg_difference(holdout, ours["value_score"], theirs["any"])
    likes = like_auc_difference(holdout, ours["p_like"], theirs["like"])
    for name, ranker, peer, found in (
        (
            "NDCG@10",
            ndcg_by_user(holdout, ours["value_score"]).mean(),
            ndcg_by_user(holdout, theirs["any"]).mean(),
            order,
        ),
        ("like AUC", like_auc(holdout, ours["p_like"]), like_auc(holdout, theirs["like"]), likes),
    ):
        print(f"{name}: {ranker:.4f}, LightGBM {peer:.4f}; {found.value:+.4f} [{found.low:+.4f}, {found.high:+.4f}]")
    assert order.value >= 0.0, f"NDCG@10 is below LightGBM's: {order}"
    assert likes.value >= 0.0, f"the like AUC is below LightGBM's: {likes}"


def test_the_ranker_is_not_below_lightgbm(spark: SparkSession, tmp_path: Path) -> None:
    landing = str(tmp_path / "landing")
    simulate(spark, users=2000, days=8, seed=20, end_date=DS, landing=landing)
    night = Night(Lake(spark, str(tmp_path / "lake")), DS, landing, tmp_path / "runs", load_settings(landing))
    run_night(night, ("ingest", "clean", "preflight", "features", "examples", "train"))
    report = json.loads((night.folder / "train.json").read_text())
    compare(tmp_path / "lake", Path(model_of(night).folder), report)
