"""The ranker orders what people want better than LightGBM does from the same rows and the same dense inputs.

2,000 simulated users, eight days. LightGBM is the best of a grid, chosen on the calibration day; the ranker stops and
calibrates on that day too. Both are judged on the held-out day, by the order by value against the order by the chance
of any engagement, and by AUC of likes. Intervals are 95 %, over users drawn anew, the same for both.

How long a session has lasted tells where in it a post stood, and so whether it was looked at. A model of plain labels
predicts that, which is worth NDCG@10 on the log and nothing in a feed. So LightGBM is trained twice: on plain labels,
and with positives that weigh 1 / examined as they do for the ranker. Against the second the ranker wins on the log, on
the log corrected for position, and on the simulator's truth; against the first on the latter two.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from pyspark.sql import SparkSession

from analysis.metrics.bootstrap import Interval
from contracts.metrics.columns import Floats
from spark_jobs.night.lake import Lake
from spark_jobs.night.night import Night, load_settings
from spark_jobs.rules.night_model import model_of
from spark_jobs.simulate import simulate
from tests.landed import DS
from tests.nights import run_night
from tests.ranker_rows import (
    Rows,
    head_scores,
    like_auc,
    like_auc_difference,
    ndcg_by_user,
    ndcg_difference,
    read_rows,
    true_chances,
)

lightgbm = pytest.importorskip("lightgbm", reason="the lake environment is older than its lock file")

GRID: tuple[dict[str, Any], ...] = ({}, {"num_leaves": 15, "learning_rate": 0.05, "num_iterations": 200})
COMMON = {"objective": "binary", "num_threads": 1, "seed": 20, "verbose": -1, "feature_pre_filter": False}

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Peer:
    """One way to train LightGBM: on what label, and whether positives weigh 1 / examined, as they do for the ranker."""

    label: Literal["any engagement", "like"]
    corrected: bool = False

    def labels(self, rows: Rows) -> Floats:
        relevant = rows.grades() if self.label == "any engagement" else rows.column("label_like")
        return (relevant > 0).astype(np.float64)

    def weights(self, rows: Rows) -> Floats | None:
        return np.where(self.labels(rows) > 0, rows.column("weight"), 1.0) if self.corrected else None

    def quality(self, rows: Rows, scores: Floats) -> float:
        """What the grid is chosen by."""
        if self.label == "like":
            return like_auc(rows, scores)
        return float(ndcg_by_user(rows, scores, corrected_gains(rows) if self.corrected else rows.grades()).mean())


PLAIN, CORRECTED, LIKE = Peer("any engagement"), Peer("any engagement", corrected=True), Peer("like")


def corrected_gains(rows: Rows) -> Floats:
    gains: Floats = rows.grades() * rows.column("weight")
    return gains


def best_of_grid(peer: Peer, training: Rows, calibration: Rows, holdout: Rows) -> Floats:
    """LightGBM's scores of the held-out rows."""
    found: list[tuple[float, Floats]] = []
    binned = lightgbm.Dataset(training.dense, peer.labels(training), weight=peer.weights(training), params=COMMON)
    for words in GRID:
        model = lightgbm.train(COMMON | words, binned)
        known, unseen = (model.predict(rows.dense) for rows in (calibration, holdout))
        found.append((peer.quality(calibration, known), unseen))
        print(f"{peer}: {found[-1][0]:.4f} on the calibration day with {words or 'its defaults'}", flush=True)
    return max(found, key=lambda pair: pair[0])[1]


def compare(lake_root: Path, landing: Path, model: Path, report: dict[str, Any]) -> None:
    """Judge the model of ``report``, which training wrote, on the days that it names."""
    training, calibration, holdout = (read_rows(lake_root, report["days"][name]) for name in report["days"])
    print(f"{report['preset']} trained in {report['seconds']:.0f} s on {report['rows']:,} rows")
    ours = head_scores(holdout, model)
    peers = {peer: best_of_grid(peer, training, calibration, holdout) for peer in (PLAIN, CORRECTED, LIKE)}
    truth = true_chances(holdout, landing)
    judged = {"log": holdout.grades(), "corrected log": corrected_gains(holdout), "truth": truth}
    orders = {"ranker": ours["value_score"], "LightGBM": peers[PLAIN], "LightGBM corrected": peers[CORRECTED]}
    orders |= {"most liked": holdout.column("num_prior_likes"), "truth": truth}
    found: dict[tuple[str, Peer], Interval] = {}
    for name, gains in judged.items():
        means = (f"{order} {ndcg_by_user(holdout, scores, gains).mean():.4f}" for order, scores in orders.items())
        print(f"NDCG@10, gains of the {name}: {', '.join(means)}")
        for peer in (PLAIN, CORRECTED):
            found[name, peer] = ndcg_difference(holdout, ours["value_score"], peers[peer], gains)
            print(f"  ranker - LightGBM{' corrected' if peer.corrected else ''} {as_text(found[name, peer])}")
    likes = like_auc_difference(holdout, ours["p_like"], peers[LIKE])
    print(f"like AUC: {like_auc(holdout, ours['p_like']):.4f}, {like_auc(holdout, peers[LIKE]):.4f}; {as_text(likes)}")
    for name in judged:
        assert found[name, CORRECTED].low > 0.0, f"not clearly better than LightGBM on the same targets: {name}"
    for name in ("corrected log", "truth"):
        assert found[name, PLAIN].low > 0.0, f"not clearly better than LightGBM on plain labels: {name}"
    assert likes.low > 0.0, "the ranker is not clearly better at likes"


def as_text(difference: Interval) -> str:
    ends = f"[{difference.low:+.4f}, {difference.high:+.4f}]"
    return f"{difference.value:+.4f} {ends}, {difference.num_users:,} users"


def test_the_ranker_is_not_below_lightgbm(spark: SparkSession, tmp_path: Path) -> None:
    landing = str(tmp_path / "landing")
    simulate(spark, users=2000, days=8, seed=20, end_date=DS, landing=landing)
    night = Night(Lake(spark, str(tmp_path / "lake")), DS, landing, tmp_path / "runs", load_settings(landing))
    run_night(night, ("ingest", "clean", "preflight", "features", "examples", "train"))
    report = json.loads((night.folder / "train.json").read_text())
    compare(tmp_path / "lake", Path(landing), Path(model_of(night).folder), report)
