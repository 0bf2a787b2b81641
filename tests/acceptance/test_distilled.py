"""The light model keeps what the heavy one would choose, at a fraction of its cost.

A simulated network, both models trained by the train stage, and of 500 users the newest posts of others: how many of
the heavy model's best posts are among the light model's, and how fast each scores on one core. Speed is printed, not
asserted. ``DISTILLED_USERS`` takes another size of the network.
"""

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from deltalake import DeltaTable
from numpy.typing import NDArray
from pyspark.sql import SparkSession

from analysis.metrics.ranking import ndcg, rank_lists
from contracts.features import Entity, defaults_of, features_of, names_of, place_of
from contracts.settings import Models
from contracts.value import value_score
from models.inference import Ranker, _padded
from models.layers import CHUNK_ROWS
from spark_jobs.night.lake import Lake
from spark_jobs.night.night import Night, load_settings
from spark_jobs.rules.context_columns import day_context
from spark_jobs.rules.user_batches import feature_matrix
from spark_jobs.score.candidate_scorer import expected_context
from spark_jobs.simulate import simulate
from tests.landed import DS
from tests.nights import run_night

pytestmark = pytest.mark.slow

USERS = int(os.environ.get("DISTILLED_USERS", "1000"))
JUDGED, POSTS = 500, 3_000
BEST, KEPT, TOP = 100, 500, 50
ROLES = ("heavy", "light")
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Table:
    """Rows of a features table in order of ``keys``, which are its id columns."""

    keys: dict[str, NDArray[np.int64]]
    features: Floats


@dataclass
class Costs:
    """What a role's model did: pairs, seconds of scoring, and of its pair part alone; the value of every pair."""

    pairs: int = 0
    score_s: float = 0.0
    pair_part_s: float = 0.0
    values: list[Floats] = field(default_factory=list)

    def speeds(self) -> dict[str, int]:
        part = round(self.pairs / self.pair_part_s)
        return {"pairs_per_s": round(self.pairs / self.score_s), "pair_part_pairs_per_s": part}


@contextmanager
def one_core() -> Iterator[None]:
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


def read(lake: Path, name: str, entity: Entity, *keys: str) -> Table:
    table = DeltaTable(str(lake / "gold" / name))
    columns = [*keys, *names_of(entity)]
    rows = table.to_pyarrow_table(partitions=[("ds", "=", str(DS))], columns=columns).combine_chunks()
    rows = rows.sort_by([(key, "ascending") for key in keys]).combine_chunks()
    (batch,) = rows.to_batches()
    ids = {key: rows[key].combine_chunks().fill_null(-1).to_numpy(zero_copy_only=False) for key in keys}
    return Table(ids, feature_matrix(batch.column(feature.name) for feature in features_of(entity)))


class Site:
    """Users, posts and pairs of the night, as a model reads them."""

    def __init__(self, lake: Path) -> None:
        users = read(lake, "user_features", "user", "user_id")
        chosen = np.linspace(0, len(users.features) - 1, min(JUDGED, len(users.features))).round().astype(int)
        self.user_ids, self.users = users.keys["user_id"][chosen], users.features[chosen]
        self.context = expected_context(self.users, day_context(DS + timedelta(days=1)))
        posts = read(lake, "post_features", "post", "post_id", "author_id")
        newest = np.argsort(posts.features[:, place_of("post", "age_days")], kind="stable")
        self.posts, self.post_ids = posts.features[newest], posts.keys["post_id"][newest]
        self.authors = posts.keys["author_id"][newest]
        self.pairs = read(lake, "affinity_features", "pair", "user_id", "author_id")

    def rows_of(self, place: int) -> NDArray[np.int64]:
        """The newest posts of others."""
        return np.flatnonzero(self.authors != self.user_ids[place])[:POSTS]

    def cross(self, place: int, rows: NDArray[np.int64]) -> Floats:
        """Pair and context features of a user and posts, (n, C)."""
        user = self.user_ids[place]
        start, end = (np.searchsorted(self.pairs.keys["user_id"], user, side=side) for side in ("left", "right"))
        known, authors = self.pairs.keys["author_id"][start:end], self.authors[rows]
        pair = np.tile(np.array(defaults_of("pair"), dtype=np.float32), (len(rows), 1))
        if len(known):
            at = np.minimum(np.searchsorted(known, authors), len(known) - 1)
            has_row = known[at] == authors
            pair[has_row] = self.pairs.features[start:end][at[has_row]]
        return np.hstack([pair, np.tile(self.context[place], (len(rows), 1))])


def judge(night: Night, site: Site, folders: dict[str, Path]) -> tuple[dict[str, Costs], NDArray[np.int64]]:
    """Score every judged user's posts by both models in turn; how many posts each user has."""
    rankers = {role: Ranker.load(folder) for role, folder in folders.items()}
    users = {role: ranker.user_vectors(site.users) for role, ranker in rankers.items()}
    posts = {role: ranker.post_vectors(site.posts) for role, ranker in rankers.items()}
    costs = {role: Costs() for role in folders}
    counts = []
    for place in range(len(site.users)):
        rows = site.rows_of(place)
        counts.append(len(rows))
        cross = site.cross(place, rows)
        for role, ranker in rankers.items():
            user, of_posts = (vectors[place] for vectors in users[role]), [vectors[rows] for vectors in posts[role]]
            inputs = (*user, *of_posts, cross)
            started = time.perf_counter()
            scores = ranker.score(*inputs)
            spent = costs[role]
            spent.score_s += time.perf_counter() - started
            spent.pair_part_s += seconds_of_pair_part(ranker, *inputs)
            spent.pairs += len(rows)
            features = site.posts[rows]
            value = value_score(
                scores,
                age_h=features[:, place_of("post", "age_weeks")] * np.float32(168.0),
                author_negative_rate=features[:, place_of("post", "author_negative_rate")],
                weights=night.settings.value,
            )
            spent.values.append(value)
    return costs, np.array(counts)


def seconds_of_pair_part(ranker: Ranker, user: Floats, own: Floats, *rows: Floats) -> float:
    """The part that runs per pair, on blocks that lie ready."""
    starts = range(0, len(rows[0]), CHUNK_ROWS)
    blocks = [[_padded(values[start : start + CHUNK_ROWS]) for values in rows] for start in starts]
    with torch.inference_mode():
        sides = torch.tensor(user), torch.tensor(own)
        started = time.perf_counter()
        for post, projection, cross in blocks:
            ranker._parts.pair(*sides, post, projection, cross)
        return time.perf_counter() - started


def agreement(costs: dict[str, Costs]) -> dict[str, float]:
    """Of each user: recall of the heavy model's best posts, NDCG of the light order by the heavy model's gains."""
    kept, gained, correlation = [], [], []
    for heavy, light in zip(*(costs[role].values for role in ROLES), strict=True):
        places, gains = np.arange(len(heavy)), np.maximum(heavy, 0.0)
        best, chosen = (np.argsort(-values, kind="stable") for values in (heavy, light))
        kept.append(np.isin(best[:BEST], chosen[:KEPT]).mean())
        if gains.any():
            gained.append(ndcg(rank_lists(np.zeros(len(heavy)), light, places, gains), TOP)[0])
        correlation.append(np.corrcoef(heavy, light)[0, 1])
    means = {f"recall@{KEPT}": kept, f"ndcg@{TOP}": gained, "correlation": correlation}
    found = {name: float(np.mean(values)) for name, values in means.items()}
    return found | {"least_recall": float(min(kept)), "least_ndcg": float(min(gained)), "with_gain": len(gained)}


@pytest.fixture(scope="module")
def night(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Night:
    """A night up to its examples."""
    folder = tmp_path_factory.mktemp("distilled")
    landing = str(folder / "landing")
    simulate(spark, users=USERS, days=8, seed=20, end_date=DS, landing=landing)
    night = Night(Lake(spark, str(folder / "lake")), DS, landing, folder / "runs", load_settings(landing))
    run_night(night, ("ingest", "clean", "preflight", "features", "examples"))
    return night


@pytest.mark.parametrize("preset", ["base", "deep_cross"])
def test_the_light_model_keeps_what_the_heavy_one_would_choose(night: Night, preset: str) -> None:
    models = Models(heavy=preset, light="light")
    night = replace(night, settings=replace(night.settings, models=models))
    run_night(night, ("train",))
    reports: dict[str, dict[str, Any]] = {role: night.files.training(role).read() for role in ROLES}
    assert reports["light"]["taught_by"] == reports["heavy"]["model_version"]
    lake = night.lake.place.local
    folders = {role: lake / "models" / report["model_version"] for role, report in reports.items()}
    with one_core():
        costs, counts = judge(night, Site(lake), folders)
    found = agreement(costs)
    speeds = {role: spent.speeds() for role, spent in costs.items()}
    ratios = {name: round(value / speeds["heavy"][name], 1) for name, value in speeds["light"].items()}
    print(f"\n{USERS:,} users, {reports['light']['rows']:,} training rows; of {len(counts)} users the newest "
          f"{counts.min():,} to {counts.max():,} of {POSTS:,} posts; {preset} and its student")  # fmt: skip
    for role, report in reports.items():
        auc = {head: round(values["auc"], 3) for head, values in report["metrics"].items() if values.get("auc")}
        print(f"  {role}: trained in {report['seconds']:.0f} s, {speeds[role]}, held-out AUC {auc}")
    print(f"  light is {ratios} times as fast; {found}")
    print(json.dumps({"heavy": preset, "users": USERS, "speeds": speeds, "ratios": ratios, **found}))
    assert found[f"recall@{KEPT}"] >= 0.95
    assert found[f"ndcg@{TOP}"] >= 0.95
