"""A challenger trained on shuffled labels is rejected and the champion scores the night; a better one is promoted.

Nights of a small network from landing files to scores, evaluation and the report. In each, the labels that the model
is trained on are shuffled or not; the held-out day always keeps its own. The night before is recorded as published.
Before the last night, a setting that tolerates any loss lets the shuffled model serve.
"""

import json
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from analysis.report import render
from contracts.heads import LABEL_COLUMNS
from contracts.pipeline import STAGES
from contracts.settings.load import load
from spark_jobs.gate import run_gate
from spark_jobs.lake import Lake
from spark_jobs.night import Night
from spark_jobs.night_model import SIMPLE_SCORE
from spark_jobs.publish import ledger
from spark_jobs.publish.manifest import describe, pin_versions
from spark_jobs.simulate import simulate
from tests.epoch_table import epoch_row, epoch_table
from tests.nights import run_night

USERS, FIRST = 300, date(2026, 3, 9)
BEFORE = tuple(STAGES)[: list(STAGES).index("train")]
CHEAP = ('models.heavy="tiny"', "evaluation.resamples=300")
JUDGED = ("train", "promote", "candidates", "score")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def first(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Night:
    """The first of three nights, before training."""
    root = tmp_path_factory.mktemp("champion")
    landing = str(root / "landing")
    simulate(spark, users=USERS, days=11, seed=20, end_date=FIRST + timedelta(days=2), landing=landing)
    settings = load(landing, None, CHEAP).settings
    return Night(Lake(spark, str(root / "lake")), FIRST, landing, root / "runs", settings)


def shuffle_labels(night: Night) -> None:
    """Give the labels of each day that trains or calibrates to other examples of the day, all of one row together."""
    path, heldout = night.lake.path("gold.training_examples"), night.ds - timedelta(days=1)
    rows = DeltaTable(path).to_pyarrow_table()
    generator = np.random.default_rng(20)
    for day in sorted(set(rows["ds"].to_pylist())):
        if day >= heldout:
            continue
        of_day = rows.filter(pa.compute.equal(rows["ds"], pa.scalar(day)))
        moved = generator.permutation(of_day.num_rows)
        for name in LABEL_COLUMNS:
            at = of_day.schema.get_field_index(name)
            of_day = of_day.set_column(at, of_day.schema.field(at), of_day[name].take(moved))
        write_deltalake(path, of_day, mode="overwrite", predicate=f"ds = '{day}'")


def publish(night: Night) -> None:
    """Record the night's epoch as current, with the manifest that a publish would write."""
    audit: Any = {"ds": night.ds.isoformat(), "passed": True, "ranked_version": 0, "checks": []}
    manifest = describe(night, pin_versions(night, audit))
    path, number = night.lake.path("gold.epochs"), night.ds.toordinal() - FIRST.toordinal() + 1
    row = replace(epoch_row(number, "current", manifest=json.dumps(manifest)), ds=night.ds)
    if number == 1:
        epoch_table(Path(night.lake.root), row)
    else:
        ledger.record(path, [row])


def judge(night: Night, *, shuffled: bool) -> dict[str, Any]:
    """Run the night; print how it was judged, and hold everything to naming the same scorer."""
    run_night(night, BEFORE)
    if shuffled:
        shuffle_labels(night)
    run_night(night, (*JUDGED, "evaluate"))
    judged = night.files.promotion.read()
    print(f"\n{night.ds}, {'shuffled' if shuffled else 'own'} labels: {judged['verdict']}; {judged['reason']}")
    for metric in night.settings.promotion.guarded:
        for side, value in judged["metrics"][metric].items():
            of = judged.get(side, side)
            print(f"  {metric:9} {of:16} {value['mean']:+.4f} [{value['low']:+.4f}, {value['high']:+.4f}]")
    scorer = judged["model_version"]
    scored = night.read("gold.scored_candidates").where(F.col("ds") == F.lit(night.ds))
    versions = {row.model_version for row in scored.select("model_version").distinct().collect()}
    embedded = night.read("gold.post_embeddings").where(F.col("ds") == F.lit(night.ds))
    vectors = {row.model_version for row in embedded.select("model_version").distinct().collect()}
    evaluated = night.files.metrics.read()["model_version"]
    print(f"  scored by {versions}, post embeddings of {vectors or 'nobody'}, evaluated {evaluated}")
    is_simple = scorer == SIMPLE_SCORE
    assert (versions, vectors, evaluated) == ({scorer}, set() if is_simple else {scorer}, None if is_simple else scorer)
    page = render(night.folder)
    assert scorer in page
    assert judged["reason"] in page
    warned = {r["expectation"] for r in run_gate(night, "gold.promotions")["results"] if not r["success"]}
    assert warned == (set() if judged["verdict"] == "promoted" else {"the_new_model_serves"})
    return dict(judged)


def stages(night: Night) -> dict[date, str]:
    found = {row.ds: row.stage for row in night.read("gold.models").collect()}
    print(f"  gold.models: {', '.join(f'{ds} {stage}' for ds, stage in sorted(found.items()))}")
    return found


def test_champion(first: Night) -> None:
    second, third = (replace(first, ds=FIRST + timedelta(days=number)) for number in (1, 2))
    shuffled = judge(first, shuffled=True)
    assert (shuffled["baseline"], shuffled["champion"]) == (SIMPLE_SCORE, None)
    assert (shuffled["verdict"], shuffled["model_version"]) == ("rejected", SIMPLE_SCORE)
    own = judge(first, shuffled=False)
    assert (own["baseline"], own["champion"]) == (SIMPLE_SCORE, None)
    assert (own["verdict"], own["model_version"]) == ("promoted", own["challenger"])
    assert stages(first) == {FIRST: "serving"}
    publish(first)

    worse = judge(second, shuffled=True)
    assert (worse["verdict"], worse["baseline"]) == ("rejected", own["challenger"])
    assert worse["model_version"] == own["challenger"] != worse["challenger"]
    assert all(worse["metrics"][name]["difference"]["high"] < 0 for name in first.settings.promotion.guarded)
    assert stages(second) == {FIRST: "serving", second.ds: "rejected"}
    careless = load(second.landing, None, [*CHEAP, "promotion.tolerated_loss=1"]).settings
    run_night(replace(second, settings=careless), ("promote", "score"))
    assert stages(second) == {FIRST: "retired", second.ds: "serving"}
    publish(second)

    better = judge(third, shuffled=False)
    assert (better["verdict"], better["baseline"]) == ("promoted", worse["challenger"])
    assert better["model_version"] == better["challenger"]
    assert all(better["metrics"][name]["difference"]["low"] > 0 for name in first.settings.promotion.guarded)
    assert stages(third) == {FIRST: "retired", second.ds: "retired", third.ds: "serving"}
