"""Label models on a simulated network, against its truth, on posts that nobody had judged.

Four weeks of 2,000 users' posts, with the verdicts that simulated people gave of a tenth of them, are put into a lake,
and one night's jobs run on it.
"""

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd  # type: ignore[import-untyped]
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from contracts.landing import LABELS
from contracts.metrics.auc import auc
from contracts.metrics.calibration import bins_of_rows, calibration_error
from contracts.settings import Settings
from spark_jobs.features.post import content_embeddings, content_models, content_risks, label_models, labelling_queue
from spark_jobs.night.gate.gate import run_gate
from spark_jobs.night.lake import Lake
from spark_jobs.night.night import Night
from spark_jobs.simulate.world import World
from tests.silver_rows import put_views
from tests.simulated_silver import put_posts, truth_of

pytestmark = pytest.mark.slow

DS = date(2026, 3, 8)
WORLD = World(users=2000, days=28, seed=20, end_date=DS)
TABLES = ("gold.label_models", "gold.content_risks", "gold.labelling_queue")


@pytest.fixture(scope="module")
def night(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Night:
    folder = tmp_path_factory.mktemp("labels")
    lake = Lake(spark, str(folder / "lake"))
    night = Night(lake, DS, str(folder / "landing"), folder / "runs", Settings())
    written = put_posts(lake, WORLD, str(folder / "posts"))
    views = F.log1p(F.floor(50 * WORLD.uniform("test/views", "post_id"))).cast("float")
    recent = written.where(F.timestamp_millis("created_ms") >= F.lit(night.as_of - timedelta(hours=72)))
    put_views(lake, recent.select("post_id", views.alias("log_views"), F.lit(DS).alias("ds")))
    for job in (content_models, content_embeddings, label_models, content_risks, labelling_queue):
        job.main(night)
    return night


@pytest.fixture(scope="module")
def judged(night: Night) -> pd.DataFrame:
    """What the night thinks of every post, the truth, and whether anybody had judged it."""
    truth = truth_of(night.spark.read.parquet(str(Path(night.landing).parent / "posts")))
    judged = night.read("silver.content_labels").select("post_id").distinct().withColumn("is_judged", F.lit(col=True))
    frame = night.read("gold.content_risks").join(truth, "post_id").join(judged, "post_id", "left")
    found: pd.DataFrame = frame.orderBy("post_id").toPandas()
    return found.assign(is_judged=found["is_judged"].notna())


def test_each_label_is_told_in_posts_that_nobody_has_judged(night: Night, judged: pd.DataFrame) -> None:
    models = {row.label: row for row in night.read("gold.label_models").collect()}
    others = judged[~judged["is_judged"]]
    print(f"{judged['is_judged'].sum():,} of {len(judged):,} posts judged")
    for label in LABELS:
        truth, found = others[f"true_{label}"].to_numpy(float), others[label].to_numpy(float)
        model = models[label]
        area, error = auc(found, truth), calibration_error(bins_of_rows(found, truth, 10))
        top = found >= np.quantile(found, 1 - truth.mean())
        print(f"{label}: AUC {area:.3f} (held out of the judged: {model.auc:.3f}), ", end="")
        print(f"mean {found.mean():.4f} where {truth.mean():.4f} are it, calibration error {error:.4f}, ", end="")
        print(f"of as many likeliest {truth[top].mean():.2f} are it; ", end="")
        print(f"judged {model.num_positives} yes, {model.num_negatives} no, error there {model.calibration_error:.3f}")
        assert area is not None
        assert area > 0.75
        assert abs(area - model.auc) < 0.3  # some dozen posts are NSFW, and people err
        assert found.mean() == pytest.approx(truth.mean(), abs=0.03)
        assert error is not None
        assert error < 0.04
        assert truth[top].mean() > 10 * truth.mean() if truth.mean() < 0.05 else truth[top].mean() > 5 * truth.mean()


def test_the_queue_asks_about_the_least_certain(night: Night, judged: pd.DataFrame) -> None:
    queue: pd.DataFrame = night.read("gold.labelling_queue").orderBy("label", "rank").toPandas()
    chances = judged.set_index("post_id")
    for label in LABELS:
        queued = queue[queue["label"] == label]
        doubt = {reason: entropy(rows["probability"]) for reason, rows in queued.groupby("reason")}
        everyone = entropy(chances[label])
        first = queued[queued["reason"] == "uncertain"].head(10)
        print(f"{label}: entropy of the first ten {entropy(first['probability']):.3f}, uncertain ", end="")
        print(f"{doubt['uncertain']:.3f}, random {doubt['random']:.3f}, of all posts {everyone:.3f} bits")
        assert list(queued["rank"]) == list(range(1, 51))
        assert (queued["reason"] == "random").sum() == 5
        assert doubt["uncertain"] > 2 * max(doubt["random"], everyone)
        assert not set(queued["post_id"]) & answered(night, label)


def answered(night: Night, label: str) -> set[int]:
    """Posts on which two people had given their verdict by the night."""
    of_label = night.read("silver.content_labels").where(
        (F.col("label") == label) & (F.col("updated_at") < night.as_of)
    )
    return {row.post_id for row in of_label.groupBy("post_id").count().where("count >= 2").collect()}


def entropy(probabilities: "pd.Series[float]") -> float:
    """Mean, in bits."""
    p = probabilities.to_numpy(float)
    return float(-(p * np.log2(p) + (1 - p) * np.log2(1 - p)).mean())


def test_the_gates_hold(night: Night) -> None:
    for name in TABLES:
        verdict = run_gate(night, name)
        broken = [result["message"] for result in verdict["results"] if not result["success"]]
        print(f"{name}: {verdict['rows']:,} rows, {broken or 'every rule holds'}")
        assert verdict["success"]
