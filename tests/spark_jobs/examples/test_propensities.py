import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from pyspark.sql import SparkSession

from contracts.settings import Propensities, Settings
from spark_jobs.examples import propensities
from spark_jobs.examples.weights import weights_by_position, with_weights
from spark_jobs.examples.window import Window
from spark_jobs.night.gate.gate import run_gate
from spark_jobs.night.lake import checksum
from spark_jobs.night.night import Night
from tests.silver_rows import at, put, silver

WINDOW = Window(date(2026, 3, 1), date(2026, 3, 7), at(9), attribution_hours=24, dwell_hours=1, candidate_hours=72)
EXAMINED = {1: 1.0, 2: 0.6, 3: 0.3}


def shown(name: str, position: int | None, **given: Any) -> dict[str, Any]:
    row = {"impression_id": name, "user_id": 1, "post_id": position, "position": position, "shown_at": at(5)}
    return {**row, **given}


def engaged(name: str, post_id: int, **given: Any) -> dict[str, Any]:
    row = {"engagement_id": name, "user_id": 1, "post_id": post_id, "engagement_type": "like", "engaged_at": at(5, 1)}
    return {**row, **given}


def test_what_is_counted(spark: SparkSession) -> None:
    impressions = [
        shown("liked", 1, propensity=0.25),
        shown("fixed", 2, propensity=1.0),
        shown("unknown", 3),
        shown("too deep", 6, propensity=0.25),
        shown("other request", 1, post_id=7, request_id="q", propensity=0.5),
        shown("other surface", 1, post_id=8, surface="search", propensity=0.5),
        shown("unplaced", None, post_id=10, propensity=0.5),
        shown("open", 1, post_id=9, request_id="late", shown_at=at(8, 1), propensity=0.5),
    ]
    acts = [
        engaged("like", 1),
        engaged("same again", 1, engagement_type="click"),
        engaged("no signal", 2, engagement_type="dwell"),
        engaged("too late", 3, engaged_at=at(6, 1)),
        engaged("not known yet", 7, received_at=at(9)),
        engaged("anonymous", 8, user_id=None),
    ]
    frame = propensities.transform(
        silver(spark, "silver.impressions", impressions),
        silver(spark, "silver.engagements", acts),
        WINDOW,
        Propensities(deepest=4),
    )
    got = {row.example_id: (row.reach, row.is_randomised, row.engaged) for row in frame.collect()}
    assert got == {
        "liked": (4, True, 1),
        "fixed": (4, False, 0),
        "unknown": (4, False, 0),
        "unplaced": (4, True, 0),
        "other request": (1, True, 0),
        "other surface": (1, True, 0),
    }


def fill(night: Night, surface: str, propensity: float | None) -> None:
    """600 requests of three posts; engagement where looked at and, with 0.6, wanted."""
    generator = np.random.default_rng(11)
    views, acts = [], []
    for number in range(600):
        moment = at(3) + timedelta(minutes=7 * number)
        for position, examined in EXAMINED.items():
            name = f"{surface}-{number}-{position}"
            key = {"user_id": 100 + number % 200, "post_id": int(generator.integers(0, 30))}
            request = {"request_id": f"{surface}-{number}", "surface": surface, "propensity": propensity}
            views.append(shown(name, position, **key, **request, shown_at=moment))
            if generator.random() < 0.6 * examined:
                given = {"impression_id": name, "engaged_at": moment + timedelta(minutes=1)}
                acts.append({"engagement_id": f"e-{name}", "engagement_type": "click", **key, **given})
    put(night.lake, "silver.impressions", views)
    put(night.lake, "silver.engagements", acts)


def test_a_surface_without_chance_is_estimated_by_regression_and_a_rerun_changes_nothing(
    make_night: Callable[..., Night],
) -> None:
    night = make_night(settings=replace(Settings(), propensities=Propensities(min_engaged=60)))
    put(night.lake, "silver.posts", [{"post_id": n, "author_id": n, "created_at": at(2)} for n in range(30)])
    fill(night, "feed", 1 / 3)
    fill(night, "search", None)
    put(night.lake, "silver.impressions", [shown("alone", 1, surface="rare", propensity=0.5)])
    unplaced = [
        shown(f"u{n}", None, post_id=1, surface="search" if n % 2 else "slate", propensity=0.5) for n in range(40)
    ]
    put(night.lake, "silver.impressions", unplaced)
    propensities.main(night)
    assert json.loads((night.folder / "notes" / f"{propensities.TABLE}.json").read_text()) == [
        "every position of rare is 1: regression EM is skipped, every example weighs 1",
        "20 of 1,820 impressions of search have no position: they weigh 1",
        "no impression of slate has a position: regression EM is skipped, every example weighs 1",
    ]
    rows = night.read(propensities.TABLE).orderBy("surface", "position").collect()
    assert [(row.surface, row.position, row.method) for row in rows] == [
        *(("feed", position, "randomised") for position in EXAMINED),
        *(("search", position, "regression_em") for position in EXAMINED),
    ]
    for row in rows:
        assert row.low <= EXAMINED[row.position] <= row.high, row
        assert row.examined == pytest.approx(EXAMINED[row.position], rel=0.2)
        assert (row.num_impressions, row.first_position, row.ds) == (600, row.position, night.ds)
    verdict = run_gate(night, propensities.TABLE)
    assert [result for result in verdict["results"] if not result["success"]] == []

    first = checksum(night.read(propensities.TABLE))
    propensities.main(night)
    assert checksum(night.read(propensities.TABLE)) == first


def test_regression_reads_a_bounded_sample(make_night: Callable[..., Night]) -> None:
    rules = Propensities(min_engaged=10, max_em_examples=900)
    night = make_night(settings=replace(Settings(), propensities=rules))
    put(night.lake, "silver.posts", [{"post_id": n, "author_id": n, "created_at": at(2)} for n in range(30)])
    fill(night, "search", None)
    total = sum(row["num_impressions"] for row in propensities.estimate(night))
    assert total == pytest.approx(900, rel=0.1)


def test_no_impressions_leave_an_empty_partition(make_night: Callable[..., Night]) -> None:
    night = make_night()
    propensities.main(night)
    assert night.read(propensities.TABLE).count() == 0
    assert run_gate(night, propensities.TABLE)["success"]


def test_weights_are_the_clipped_inverse_with_mean_1(spark: SparkSession) -> None:
    shown_at = {("feed", 1): 4, ("feed", 2): 3, ("feed", 9): 2, ("search", 1): 1}
    examples = spark.createDataFrame(
        [key for key, n in shown_at.items() for _ in range(n)], "surface STRING, position INT"
    )
    curve = spark.createDataFrame(
        [("feed", 1, 1.0), ("feed", 2, 0.5), ("feed", 3, 0.05)], "surface STRING, position INT, examined DOUBLE"
    )
    rows = weights_by_position(examples, curve, Propensities(max_weight=5.0)).collect()
    weights = {(row.surface, row.position): row.weight for row in rows}
    mean = (4 * 1 + 3 * 2 + 2 * 5 + 1 * 1) / 10  # position 9 takes the deepest estimate, search has none
    expected = {("feed", 1): 1 / mean, ("feed", 2): 2 / mean, ("feed", 9): 5 / mean, ("search", 1): 1 / mean}
    assert weights == pytest.approx(expected)
    assert sum(weights[key] * n for key, n in shown_at.items()) == pytest.approx(10)


def test_an_example_of_unknown_position_weighs_1_and_moves_no_other_weight(spark: SparkSession) -> None:
    shown = [("feed", 1), ("feed", 2), ("feed", None), ("feed", None), ("slate", None)]
    examples = spark.createDataFrame(shown, "surface STRING, position INT")
    curve = spark.createDataFrame([("feed", 1, 1.0), ("feed", 2, 0.5)], "surface STRING, position INT, examined DOUBLE")
    weights = weights_by_position(examples, curve, Propensities())
    got = sorted((row.surface, row.position or 0, row.weight) for row in with_weights(examples, weights).collect())
    expected = [("feed", 0, 1.0), ("feed", 0, 1.0), ("feed", 1, 1 / 1.5), ("feed", 2, 2 / 1.5), ("slate", 0, 1.0)]
    assert got == [(surface, position, pytest.approx(weight)) for surface, position, weight in expected]
