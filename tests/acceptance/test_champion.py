"""A challenger trained on shuffled labels is rejected and the champion scores the night; a better one is promoted.

Three nights over nine days of examples with a planted preference: the simple score knows a part of it, a model can
learn all of it. Each trains, judges, scores, evaluates and reports as nights do. The labels that a model is trained on
are shuffled or not; the held-out day always keeps its own. The night before is recorded as published. Before the last
night, a setting that tolerates any loss lets the shuffled model serve.
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
from contracts.settings.load import load
from spark_jobs.night.gate.gate import run_gate
from spark_jobs.night.lake import Lake
from spark_jobs.night.night import Night
from spark_jobs.publish import ledger
from spark_jobs.publish.manifest import describe
from spark_jobs.rules.night_model import SIMPLE_SCORE
from tests import scoring_lake
from tests.epoch_table import epoch_row, epoch_table
from tests.nights import run_night

FIRST = date(2026, 3, 8)
USERS, EACH, DAYS = 300, 12, 7
EXAMPLES = "gold.training_examples"
CHEAP = ('models.heavy="tiny"', "evaluation.resamples=300")

pytestmark = pytest.mark.slow


def planted(day: date) -> dict[str, Any]:
    """Friends are liked, which the simple score knows, and so is what matches an interest, which it does not."""
    generator, rows = np.random.default_rng(day.toordinal()), USERS * EACH
    columns: dict[str, Any] = {"user_id": np.repeat(np.arange(USERS), EACH), "post_id": np.tile(np.arange(EACH), USERS)}
    for name in ("user_interest_sports", "post_topic_sports", "pair_like_rate"):
        columns[name] = generator.random(rows, dtype=np.float32)
    columns["pair_is_friend"] = (generator.random(rows) < 0.3).astype(np.float32)
    columns |= dict.fromkeys(("pair_is_follower", "pair_log_interactions"), np.zeros(rows, dtype=np.float32))
    match = (columns["user_interest_sports"] - 0.5) * (columns["post_topic_sports"] - 0.5)
    logit = -2.0 + 1.5 * columns["pair_is_friend"] + 12.0 * match + 3.0 * (columns["pair_like_rate"] - 0.5)
    columns["label_like"] = (generator.random(rows) < 1 / (1 + np.exp(-logit))).astype(np.float32)
    return columns


@pytest.fixture(scope="module")
def first(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Night:
    """The first of three nights, before training."""
    root = tmp_path_factory.mktemp("champion")
    settings = load(None, None, CHEAP).settings
    night = Night(Lake(spark, str(root / "lake")), FIRST, str(root / "landing"), root / "runs", settings)
    for number in range(-DAYS, 2):
        day = FIRST + timedelta(days=number)
        scoring_lake.write_examples(night, day, planted(day))
    return night


def shuffle_labels(night: Night) -> None:
    """Give the labels of each day that trains or calibrates to other examples of the day, all of one row together."""
    path, heldout = night.lake.path(EXAMPLES), night.ds - timedelta(days=1)
    generator = np.random.default_rng(20)
    rows = DeltaTable(path).to_pyarrow_table()
    for day in sorted(set(rows["ds"].to_pylist()) - {heldout}):
        of_day = rows.filter(pa.compute.equal(rows["ds"], pa.scalar(day)))
        moved = generator.permutation(of_day.num_rows)
        for name in LABEL_COLUMNS:
            at = of_day.schema.get_field_index(name)
            of_day = of_day.set_column(at, of_day.schema.field(at), of_day[name].take(moved))
        write_deltalake(path, of_day, mode="overwrite", predicate=f"ds = '{day}'")


def publish(night: Night) -> None:
    """Record the night's epoch as current, with the manifest that a publish would write."""
    manifest = describe(night, {"gold.scored_candidates": night.lake.version("gold.scored_candidates")})
    number = (night.ds - FIRST).days + 1
    row = replace(epoch_row(number, "current", manifest=json.dumps(manifest)), ds=night.ds)
    if number == 1:
        epoch_table(Path(night.lake.root), row)
    else:
        ledger.record(night.lake.path("gold.epochs"), [row])
    print(f"  published: the manifest names {manifest['model_version']}")


def judge(night: Night, *, shuffled: bool) -> dict[str, Any]:
    """Run the night; print how it was judged, and hold everything to naming the same scorer."""
    path = night.lake.path(EXAMPLES)
    own = DeltaTable(path).version()
    if shuffled:
        shuffle_labels(night)
    scoring_lake.write_features(night, 20, 30)
    scoring_lake.write_candidates(night, 20, 30)
    run_night(night, ("train", "promote", "score", "evaluate"))
    if shuffled:
        DeltaTable(path).restore(own)
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
    publish(second)

    careless = load(None, None, [*CHEAP, "promotion.tolerated_loss=1"]).settings
    run_night(replace(second, settings=careless), ("promote", "score"))
    assert stages(second) == {FIRST: "retired", second.ds: "serving"}
    publish(second)

    better = judge(third, shuffled=False)
    assert (better["verdict"], better["baseline"]) == ("promoted", worse["challenger"])
    assert better["model_version"] == better["challenger"]
    assert all(better["metrics"][name]["difference"]["low"] > 0 for name in first.settings.promotion.guarded)
    assert stages(third) == {FIRST: "retired", second.ds: "retired", third.ds: "serving"}
