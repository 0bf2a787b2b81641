"""Replacing an unknown value by another unknown one changes no score; a known value does."""

import shutil
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd  # type: ignore[import-untyped]
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from contracts.settings import Settings
from spark_jobs.examples import training_examples
from spark_jobs.features.pair import affinity_features
from spark_jobs.features.post import post_features
from spark_jobs.features.user import locations, user_features
from spark_jobs.night.lake import Lake, checksum
from spark_jobs.night.night import Night
from spark_jobs.night.writers import conform, write_partition
from spark_jobs.rules.night_model import model_of
from spark_jobs.score import post_embeddings, scored_candidates
from spark_jobs.train import models
from tests.feature_frames import reading
from tests.landed import DS
from tests.scoring_lake import promote
from tests.silver_rows import at, put

NUM_USERS, NUM_POSTS, RARE = 60, 48, 59
GROUPS = {"country": range(10), "device": range(10, 20), "connection": range(20, 30), "city": range(30, 40)}
"""Users who get another value, each of one kind, on the last day; nobody trains on that."""
HOMES = (("NL", "Pune"), ("BE", "Kyiv"), ("FR", "Lima"))

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Values:
    """One value for each field."""

    country: str | None
    device: str | None
    connection: str | None
    city: str | None
    language: str


UNSEEN = Values("Atlantis", "fridge", "satellite", "Ys", "sw")
CASES = {
    "unseen": UNSEEN,
    "another": Values("Utopia", "loom", "pigeon", "Vineta", "zu"),
    "missing": Values(None, None, None, None, "und"),
    "known": Values("FR", "desktop", "cellular", "Kyiv", "de"),
}


def created(post: int) -> Any:
    return at(1 + post % 8, 1)


def view(user: int, post: int, moment: Any, number: int, told: Values) -> dict[str, Any]:
    fields = {"device": told.device, "connection": told.connection, "city": told.city}
    row = {"impression_id": f"{user}-{number}", "user_id": user, "post_id": post, "shown_at": moment}
    return {**row, "position": 1 + number % 5, "session_id": f"{user}-{moment:%d}", **fields}


def network(case: Values, rare: Values) -> dict[str, list[dict[str, Any]]]:
    """Eight days of sixty users, forty-eight posts and what a seeded coin made of them.

    The values of ``case`` stand in the last day's rows of ``GROUPS``; those of ``rare``, too few to be known, also in
    the training rows of one user, ``RARE``.
    """
    generator = np.random.default_rng(20)
    home = {user: HOMES[user % 3] for user in range(NUM_USERS)}
    users = [
        {"user_id": user, "valid_from": at(1), "country": rare.country if user == RARE else home[user][0]}
        for user in home
    ]
    users += [{"user_id": user, "valid_from": at(8, 2), "country": case.country} for user in GROUPS["country"]]
    views, acts = [], []
    for user in home:
        for number in range(64):
            moment = at(1 + number // 8, 3 + number % 8, user)
            seen = [post for post in range(NUM_POSTS) if created(post) < moment]
            device, connection = ("phone", "wifi") if generator.random() < 0.7 else ("tablet", "cellular")
            told = Values(None, device, connection, home[user][1], "en")
            if user == RARE:
                told = rare
            elif number >= 56:
                told = replace(told, **{kind: getattr(case, kind) for kind, group in GROUPS.items() if user in group})
            views.append(view(user, int(generator.choice(seen)), moment, number, told))
            if generator.random() < (0.6 if home[user][0] == "NL" else 0.2):
                liked = {"engagement_id": f"{user}-{number}", "user_id": user, "post_id": views[-1]["post_id"]}
                acts.append({**liked, "engagement_type": "like", "engaged_at": moment + timedelta(minutes=1)})
    posts = [{"post_id": post, "author_id": post % 20, "created_at": created(post)} for post in range(NUM_POSTS)]
    said = [
        reading(post, created(post), post % 50) | {"language": case.language if post % 16 > 12 else "en"}
        for post in range(NUM_POSTS)
    ]
    return {
        "silver.users": users,
        "silver.impressions": views,
        "silver.engagements": acts,
        "silver.posts": posts,
        "gold.content_embeddings": said,
    }


def write_candidates(night: Night) -> None:
    """Every user may be shown every live post."""
    posts = night.read("gold.post_features").select("post_id", "author_id")
    pairs = night.spark.range(NUM_USERS).withColumnRenamed("id", "user_id").crossJoin(posts)
    friend = F.lit("friend")
    frame = pairs.select(
        "*",
        friend.alias("source_type"),
        F.col("author_id").alias("source_id"),
        F.array(friend).alias("sources"),
        F.lit(night.as_of - timedelta(hours=12)).alias("created_at"),
        F.lit(0.0).cast("float").alias("simple_score"),
        F.lit(night.ds).alias("ds"),
    )
    write_partition(night.lake, "gold.feed_candidates", conform(night.lake, "gold.feed_candidates", frame), [night.ds])


def scored(night: Night) -> pd.DataFrame:
    """Scores of the production jobs, by user and post."""
    write_candidates(night)
    for job in (post_embeddings, scored_candidates):
        job.main(night)
    rows: pd.DataFrame = night.read("gold.scored_candidates").drop("ds", "model_version", "author_id").toPandas()
    return rows.set_index(["user_id", "post_id"]).sort_index()


@pytest.fixture(scope="module")
def nights(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Night]:
    """A night per case up to its features, scored by one model: the one that the first case trained."""
    folder = tmp_path_factory.mktemp("unknown")
    found = {}
    for name, case in CASES.items():
        lake = Lake(spark, str(folder / name))
        night = Night(lake, DS, str(folder), folder / "runs" / name, Settings())
        for table, rows in network(case, rare=UNSEEN if name == "known" else case).items():
            put(lake, table, rows)
        for job in (affinity_features, locations, user_features, post_features, training_examples):
            job.main(night)
        found[name] = night
    models.main(found["unseen"])
    promote(found["unseen"], model_of(found["unseen"]).version)
    for name in CASES.keys() - {"unseen"}:
        for part in ("models", "gold/models", "gold/promotions"):
            shutil.copytree(folder / "unseen" / part, folder / name / part, dirs_exist_ok=True)
    return found


@pytest.fixture(scope="module")
def scores(nights: dict[str, Night]) -> dict[str, pd.DataFrame]:
    return {name: scored(night) for name, night in nights.items()}


def largest_move(one: pd.DataFrame, other: pd.DataFrame) -> float:
    assert list(one.index) == list(other.index)
    return float((one - other).abs().to_numpy().max())


def test_unknown_values(nights: dict[str, Night], scores: dict[str, pd.DataFrame]) -> None:
    known = nights["unseen"].read("gold.locations").where(F.col("ds") == F.lit(DS)).orderBy("kind", "rank").collect()
    print(f"known: {', '.join(f'{row.kind} {row.location} ({row.num_users} users)' for row in known)}")
    assert {row.location for row in known} == {name for home in HOMES for name in home}
    examples = {name: checksum(night.read(training_examples.TABLE)) for name, night in nights.items()}
    assert examples["unseen"] == examples["another"] == examples["missing"]
    base = scores["unseen"]
    assert np.isfinite(base.to_numpy()).all()
    for name in ("another", "missing"):
        move = largest_move(base, scores[name])
        print(f"{len(base):,} pairs, {name} values in place of unseen ones: scores move by at most {move:g}")
        assert move == 0


@pytest.mark.parametrize("kind", [*GROUPS, "language"])
def test_a_known_value_changes_scores(scores: dict[str, pd.DataFrame], kind: str) -> None:
    moved = (scores["unseen"] - scores["known"]).abs().max(axis=1)
    users, posts = moved.index.get_level_values("user_id"), moved.index.get_level_values("post_id")
    nobody = {user for group in GROUPS.values() for user in group} | {RARE}
    if kind == "language":
        of_kind = moved[~users.isin(nobody) & (posts % 16 > 12)]
    else:
        of_kind = moved[users.isin(GROUPS[kind]) & (posts % 16 <= 12)]
    others = moved[~users.isin(nobody) & (posts % 16 <= 12)]
    print(f"a known {kind}: the scores of {len(of_kind):,} pairs move by up to {of_kind.max():.4f}, none by 0")
    assert of_kind.min() > 0
    assert others.max() == 0
