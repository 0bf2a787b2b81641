"""The evidence of verdicts, and the label rates of authors."""

from collections.abc import Sequence
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from contracts.settings import Labels
from models.content.label_model import log_odds
from spark_jobs.features.post.label_evidence import MILLION, evidence, judged_posts, with_author_rates
from tests.silver_rows import at, silver, verdict

PERSON, CHECKER = log_odds(0.9), log_odds(0.97)


def frame(spark: SparkSession, rows: Sequence[dict[str, Any]]) -> DataFrame:
    return silver(spark, "silver.content_labels", rows).withColumn("evidence", evidence(Labels()))


def test_a_fact_checker_counts_more_and_one_who_is_unsure_less(spark: SparkSession) -> None:
    checker = {"labeller_type": "fact_checker"}
    rows = [
        verdict(1, at(1)),
        verdict(2, at(1), value=False),
        verdict(3, at(1), confidence=0.5),
        verdict(4, at(1), value=False, **checker),
        verdict(5, at(1), confidence=0.0),
    ]
    found = {row.post_id: row.evidence / MILLION for row in frame(spark, rows).collect()}
    expected = {1: PERSON, 2: -PERSON, 3: PERSON / 2, 4: -CHECKER, 5: 0.0}
    assert found == pytest.approx(expected, abs=1e-6)


def test_verdicts_on_a_text_are_added_up_and_those_on_an_earlier_text_left_out(spark: SparkSession) -> None:
    rows = [
        verdict(1, at(2)),
        verdict(1, at(2), value=False, labeller_id="eve", labeller_type="fact_checker"),
        verdict(1, at(2), label="nsfw"),
        verdict(2, at(2)),
        verdict(2, at(4), value=False, labeller_id="eve"),
        verdict(3, at(2)),
        verdict(4, at(1)),
    ]
    readings = [(1, at(1)), (2, at(1)), (2, at(3)), (3, at(1)), (3, at(3)), (4, at(1)), (5, at(1))]
    read = spark.createDataFrame(readings, "post_id BIGINT, text_at TIMESTAMP")
    found = {row.post_id: row for row in judged_posts(frame(spark, rows), read).collect()}
    assert found.keys() == {1, 2, 3}  # the verdict on post 4 is no later than its text
    assert found[1].evidence_clickbait / MILLION == pytest.approx(PERSON - CHECKER, abs=1e-5)
    assert found[1].evidence_nsfw / MILLION == pytest.approx(PERSON, abs=1e-5)
    assert found[1].evidence_misinformation is None
    assert found[2].evidence_clickbait / MILLION == pytest.approx(-PERSON, abs=1e-5)
    assert [(found[n].text_at.day, found[n].evidence_clickbait > 0) for n in (2, 3)] == [(3, False), (1, True)]


def test_an_author_is_known_by_earlier_verdicts_on_other_posts(spark: SparkSession) -> None:
    rows = [
        verdict(1, at(2)),
        verdict(1, at(2), labeller_id="eve", confidence=0.5),
        verdict(1, at(2), value=False, label="nsfw"),
        verdict(2, at(3), value=False),
        verdict(3, at(4), received_at=at(5)),
        verdict(8, at(2)),
    ]
    authors = spark.createDataFrame(
        [(n, 7) for n in (1, 2, 3, 4)] + [(8, 9), (9, 9), (10, 10)], "post_id BIGINT, author_id BIGINT"
    )
    instants = [
        (4, 7, at(2, 1)),
        (4, 7, at(4, 12)),
        (4, 7, at(6)),
        (1, 7, at(6)),
        (2, 7, at(1)),
        (8, 9, at(6)),
        (10, 10, at(6)),
    ]
    points = spark.createDataFrame(instants, "post_id BIGINT, author_id BIGINT, instant TIMESTAMP")
    labels = Labels()
    rated = with_author_rates(points, frame(spark, rows), authors, labels).collect()
    found = {(row.post_id, row.instant.day): row for row in rated}

    def rate(label: str, yes: float, total: float) -> Any:
        share = labels.shares[label]
        smoothed = (PERSON * yes + share * labels.author_strength) / (PERSON * total + labels.author_strength)
        return pytest.approx(log_odds(smoothed) - log_odds(share), abs=1e-4)

    clickbait = {key: row.author_clickbait for key, row in found.items()}
    assert clickbait == {
        (4, 2): rate("clickbait", 1.5, 1.5),
        (4, 4): rate("clickbait", 1.5, 2.5),  # the verdict on post 3 was not received yet
        (4, 6): rate("clickbait", 2.5, 3.5),
        (1, 6): rate("clickbait", 1.0, 2.0),  # without those on the post itself
        (2, 1): rate("clickbait", 0.0, 0.0),
        (8, 6): 0.0,
        (10, 6): 0.0,
    }
    assert found[4, 6].author_nsfw == rate("nsfw", 0.0, 1.0)
    assert found[4, 6].author_misinformation == 0.0


def test_posts_of_unknown_authors_say_nothing_of_each_other(spark: SparkSession) -> None:
    authors = spark.createDataFrame([(1, None), (2, None)], "post_id BIGINT, author_id BIGINT")
    points = authors.withColumn("instant", F.lit(at(6)))
    rated = with_author_rates(points, frame(spark, [verdict(1, at(2))]), authors, Labels()).collect()
    assert {row.post_id: row.author_clickbait for row in rated} == {1: 0.0, 2: 0.0}
