"""What tonight's pools are worth, from tables by hand."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyspark.sql import DataFrame, SparkSession

from contracts.heads import RELEVANT_HEADS
from contracts.settings import Settings
from spark_jobs.evaluate.tonight import examined_at, value_tonight
from spark_jobs.night.night import Night
from tests.feed_rows import DS, MemoryLake

FLOATS = [head.label_column for head in RELEVANT_HEADS] + [head.score_column for head in RELEVANT_HEADS]
SCORED = f"user_id BIGINT, position INT, {', '.join(f'{name} FLOAT' for name in FLOATS)}, is_tied INT"
CURVE = {1: 1.0, 2: 0.5}


def logged(spark: SparkSession, rows: Sequence[tuple[int, int | None, float, float]]) -> DataFrame:
    """(user, position, like, p_like) of held-out impressions."""
    return spark.createDataFrame([(u, k, like, 0.0, 0.0, p, 0.0, 0.0, 0) for u, k, like, p in rows], SCORED)


def night_of(spark: SparkSession, folder: Path, ranked: list[tuple[int, int, float]]) -> Night:
    """(user, rank, p_like) of tonight's pools."""
    key = [{"user_id": user, "post_id": 10 + rank} for user, rank, _ in ranked]
    rows: dict[str, list[dict[str, Any]]] = {
        "gold.ranked_feeds": [one | {"rank": rank} for one, (_, rank, _) in zip(key, ranked, strict=True)],
        "gold.scored_candidates": [
            one | {"p_like": p, "p_comment": 0.0, "p_share": 0.0} for one, (_, _, p) in zip(key, ranked, strict=True)
        ],
        "gold.propensities": [{"surface": "feed", "position": k, "examined": e} for k, e in CURVE.items()]
        + [{"surface": "ads", "position": 1, "examined": 0.1}],
    }
    return Night(MemoryLake(spark, "memory", rows), DS, "", folder, Settings())


def test_places_are_valued_by_what_like_posts_earned_where_they_were_looked_at(
    spark: SparkSession, tmp_path: Path
) -> None:
    # Good posts (0.4) are liked by half of those who look, bad ones (0.1) by none; good ones stood second.
    log: list[tuple[int, int | None, float, float]] = [(user, 1, 0.0, 0.1) for user in range(400)]
    log += [(user, 2, float(user % 4 == 0), 0.4) for user in range(400)]
    log += [(1, None, 1.0, 0.4)]
    ranked = [(user, rank, 0.4 if rank == 1 else 0.1) for user in range(50) for rank in (1, 2, 3)]
    found = value_tonight(night_of(spark, tmp_path, ranked), logged(spark, log), 1)
    assert found is not None
    assert (found["views"], found["depth"], found["num_logged"]) == (2, 2, 800)
    assert found["logged"] == pytest.approx(0.125)
    assert found["value"] == pytest.approx((1.0 * 0.5 + 0.5 * 0.0) / 2)
    assert found["low"] < found["value"] < found["high"]
    assert not found["warnings"]


def test_nothing_is_said_where_nothing_is_known(spark: SparkSession, tmp_path: Path) -> None:
    ranked = [(1, 1, 0.4)]
    assert value_tonight(night_of(spark, tmp_path, ranked), logged(spark, [(1, None, 1.0, 0.4)]), 1) is None
    assert value_tonight(night_of(spark, tmp_path, ranked), logged(spark, [(1, 1, 1.0, 0.4)]), 1) is None
    two = logged(spark, [(1, 1, 1.0, 0.4), (2, 1, 0.0, 0.4)])
    assert value_tonight(night_of(spark, tmp_path, []), two, 1) is None


def test_positions_beyond_the_curve_take_its_end() -> None:
    assert examined_at(np.array([1.0, 0.5]), np.array([1, 2, 9])).tolist() == [1.0, 0.5, 0.5]
    assert examined_at(np.zeros(0), np.array([1, 9])).tolist() == [1.0, 1.0]
