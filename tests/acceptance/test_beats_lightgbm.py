"""The ranker orders what people want better than LightGBM does from the same rows and the same dense inputs.

2,000 simulated users, eight days. LightGBM is the best of a fixed grid, chosen on the calibration day; the ranker stops
and calibrates on that day too. Both are judged on the held-out day, by the order by value against the order by the
chance of any engagement, and by AUC of likes. Intervals are 95 %, over users drawn anew, the same for both.

How long a session has lasted tells where in it a post stood, and where it stood whether it was looked at. A model that
learns from plain labels predicts that, which is worth NDCG@10 on the log and nothing in a feed. So the gains are those
of the simulator's truth and of labels corrected for position; those of the plain log are printed beside them.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from analysis.metrics.bootstrap import Interval
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
    true_chances,
)

lightgbm = pytest.importorskip("lightgbm", reason="the lake environment is older than its lock file")

GRID: tuple[dict[str, Any], ...] = (
    {},
    {"num_leaves": 15, "learning_rate": 0.05, "num_iterations": 200},
    {"num_leaves": 15, "learning_rate": 0.05, "num_iterations": 200, "min_data_in_leaf": 100, "feature_fraction": 0.5},
    {"num_leaves": 31, "learning_rate": 0.03, "num_iterations": 300, "min_data_in_leaf": 100, "feature_fraction": 0.5},
)

pytestmark = pytest.mark.slow


def quality(rows: Rows, target: str, scores: Floats) -> float:
    """What the grid is chosen by: NDCG@10 for any engagement, AUC for likes."""
    return float(ndcg_by_user(rows, scores).mean()) if target == "any" else like_auc(rows, scores)


def best_of_grid(training: Rows, calibration: Rows, holdout: Rows, target: str) -> Floats:
    """LightGBM's scores of the held-out rows, of ``any`` engagement or of a ``like``."""
    labels = training.grades() > 0 if target == "any" else training.column("label_like") > 0
    found: list[tuple[float, Floats]] = []
    common = {"objective": "binary", "num_threads": 1, "seed": 20, "verbose": -1, "feature_pre_filter": False}
    binned = lightgbm.Dataset(training.dense, labels.astype(float), params=common)
    for words in GRID:
        model = lightgbm.train(common | words, binned)
        known, unseen = (model.predict(rows.dense) for rows in (calibration, holdout))
        found.append((quality(calibration, target, known), unseen))
        print(
            f"LightGBM {target}: {found[-1][0]:.4f} on the calibration day with {words or 'its defaults'}", flush=True
        )
    return max(found, key=lambda pair: pair[0])[1]


def compare(lake_root: Path, landing: Path, model: Path, report: dict[str, Any]) -> None:
    """Judge the model of ``report``, which training wrote, on the days that it names."""
    training, calibration, holdout = (read_rows(lake_root, report["days"][name]) for name in report["days"])
    print(f"{report['preset']} trained in {report['seconds']:.0f} s on {report['rows']:,} rows")
    ours = model_scores(holdout, model)
    peer, peer_like = (best_of_grid(training, calibration, holdout, target) for target in ("any", "like"))
    corrected = holdout.grades() * holdout.column("weight")
    truth = true_chances(holdout, landing)
    judged = {"the log": holdout.grades(), "the log, corrected for position": corrected, "the truth": truth}
    found = {}
    for name, gains in judged.items():
        found[name] = ndcg_difference(holdout, ours["value_score"], peer, gains)
        orders = {"ranker": ours["value_score"], "LightGBM": peer, "most liked": holdout.column("num_prior_likes")}
        orders |= {"truth": truth}
        means = (f"{order} {ndcg_by_user(holdout, scores, gains).mean():.4f}" for order, scores in orders.items())
        print(f"NDCG@10, gains of {name}: {', '.join(means)}; {told(found[name])} over {found[name].num_users:,} users")
    likes = like_auc_difference(holdout, ours["p_like"], peer_like)
    print(f"like AUC: {like_auc(holdout, ours['p_like']):.4f}, {like_auc(holdout, peer_like):.4f}; {told(likes)}")
    assert found["the truth"].low > 0.0, "the ranker is not clearly better at what people want"
    assert found["the log, corrected for position"].low > 0.0, "the ranker is not clearly better on the corrected log"
    assert likes.low > 0.0, "the ranker is not clearly better at likes"


def told(difference: Interval) -> str:
    return f"ranker - LightGBM {difference.value:+.4f} [{difference.low:+.4f}, {difference.high:+.4f}]"


def test_the_ranker_is_not_below_lightgbm(spark: SparkSession, tmp_path: Path) -> None:
    landing = str(tmp_path / "landing")
    simulate(spark, users=2000, days=8, seed=20, end_date=DS, landing=landing)
    night = Night(Lake(spark, str(tmp_path / "lake")), DS, landing, tmp_path / "runs", load_settings(landing))
    run_night(night, ("ingest", "clean", "preflight", "features", "examples", "train"))
    report = json.loads((night.folder / "train.json").read_text())
    compare(tmp_path / "lake", Path(landing), Path(model_of(night).folder), report)
