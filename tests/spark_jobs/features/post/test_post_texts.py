"""How a text is split into words, and measures of how it is written."""

from math import log1p
from typing import Any

import pytest
from pyspark.sql import SparkSession

from contracts.features import TOPICS
from contracts.settings import Content
from spark_jobs.features.post.post_texts import texts_of
from spark_jobs.rules.post_columns import WRITING_COLUMNS
from tests.silver_rows import at, silver


def post(post_id: int, text: str) -> dict[str, Any]:
    return {"post_id": post_id, "author_id": 7, "created_at": at(1), "hashtags": ["FOOD"], "text": text}


def test_texts_are_read_without_addresses_hashtags_and_mentions(spark: SparkSession) -> None:
    text = "Don\u2019t miss https://a.b/c?d=1 @Ada: it WAS\u2026 très bien! #food2 C3PO"
    posts = silver(spark, "silver.posts", [post(1, text)])
    row, short = texts_of(posts, Content()).first(), texts_of(posts, Content(max_words=2)).first()
    assert row is not None
    assert row.tokens == ["don't", "miss", "it", "was", "très", "bien", "!", "c3po"]
    assert len(row.buckets) == 7
    assert row.log_links == pytest.approx(log1p(1))
    assert row.named[TOPICS.index("food")] == 1.0
    assert short is not None
    assert len(short.buckets) == 2


def test_how_a_text_is_written(spark: SparkSession) -> None:
    text = "Wow! WOW: see https://a.b/?x=1 and www.c.d \u2013 is it 10? #Tag @Ada"
    rows = [post(1, text), post(2, ""), post(3, "#only")]
    frame = texts_of(silver(spark, "silver.posts", rows), Content())
    loud, *silent = (row.asDict() for row in frame.orderBy("post_id").collect())
    expected = {
        "log_words": log1p(6),  # wow wow see and is it
        "word_length": log1p(16 / 6),
        "clause_words": log1p(6 / 3),
        "distinct_word_share": 5 / 6,
        "capital_share": 4 / 16,
        "digit_share": 2 / 22,
        "symbol_share": 4 / 22,  # ! : \u2013 ?
        "log_exclamations": log1p(1),
        "log_questions": log1p(2),  # one of them in an address
        "log_links": log1p(2),
    }
    assert {name: loud[name] for name in expected} == pytest.approx(expected)
    assert {*expected, "sentiment"} == set(WRITING_COLUMNS)
    assert all(row[name] == 0 for row in silent for name in expected)
