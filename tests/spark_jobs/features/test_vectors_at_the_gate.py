"""A vector that is too short, or holds a value that is not a number, stops the night."""

from collections.abc import Callable
from typing import Any

import pytest

from contracts.features import FEATURES, TABLES, Entity
from contracts.pipeline import BY_NAME
from spark_jobs.night.gate.checks import cross_checks
from spark_jobs.night.lake import Lake
from spark_jobs.night.night import Night
from tests.feature_values import default_value
from tests.feed_rows import DS, put

CHECK = "vectors_are_whole_finite_and_in_range"
EXAMPLES = "gold.training_examples"
KEYS = {"gold.user_features": "user_id", "gold.post_features": "post_id", EXAMPLES: "example_id"}


def vectors_of(table: str) -> dict[str, list[float]]:
    """Columns and defaults of the vectors that a table holds."""
    of: list[Entity] = [entity for entity, name in TABLES.items() if table in (name, EXAMPLES)]
    vectors = [feature for feature in FEATURES if feature.size > 1 and feature.entity in of]
    return {f.example_column if table == EXAMPLES else f.name: list(map(float, default_value(f))) for f in vectors}  # type: ignore[arg-type]


def broken(vector: list[float]) -> list[Any]:
    nan, infinity = float("nan"), float("inf")
    ends: list[Any] = [nan, infinity, -infinity, None, 2.0, -2.0]
    return [*([*vector[:-1], end] for end in ends), [nan, *vector[1:]], vector[:-1], [*vector, 0.0], []]


@pytest.mark.parametrize("table", KEYS)
def test_every_broken_vector_is_found(lake: Lake, make_night: Callable[..., Night], table: str) -> None:
    good = vectors_of(table)
    assert len(good) == {"gold.user_features": 2, "gold.post_features": 4, EXAMPLES: 6}[table]
    rows = [good, *({**good, name: value} for name, vector in good.items() for value in broken(vector))]
    moment = {"weight": 1.0} if table == EXAMPLES else {}
    keys = [str(at) if table == EXAMPLES else at for at in range(len(rows))]
    put(lake, table, [{KEYS[table]: key, **row, **moment} for key, row in zip(keys, rows, strict=True)])
    [result] = [r for r in cross_checks(make_night(DS), BY_NAME[table]) if r["expectation"] == CHECK]
    print(f"{table}: {result['message']}")
    assert not result["success"]
    assert result["severity"] == "critical"
    assert result["unexpected_count"] == len(rows) - 1
