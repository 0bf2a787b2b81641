"""The content of an epoch for posts without a known author."""

import json
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from contracts.erasure import NOBODY
from contracts.settings import PoolRules
from spark_jobs.publish.entries import cards, code_pools, fallback_pool
from tests.feed_rows import frame_of

PAGE = 70


def recent(spark: SparkSession) -> DataFrame:
    """Five posts of nobody, the last on a page, and five of user 1; the smaller the id, the more engagement."""
    posts: list[dict[str, Any]] = [{"post_id": n, "author_id": None, "source_id": None} for n in range(11, 16)]
    posts[-1] |= {"source_type": "page", "source_id": PAGE}
    posts += [{"post_id": n, "author_id": 1, "source_id": 1} for n in range(21, 26)]
    frame = frame_of(spark, "silver.posts", posts).withColumn("engagement", 1.0 / F.col("post_id"))
    return frame.withColumns({name: F.lit(1).cast("bigint") for name in ("likes", "comments", "shares")})


def test_the_fallback_takes_few_posts_of_an_author_and_any_number_of_nobody(spark: SparkSession) -> None:
    columns = fallback_pool(recent(spark), "popular", PoolRules())
    assert columns["post_id"].tolist() == [11, 12, 13, 14, 15, 21, 22, 23]
    assert columns["author_id"].tolist() == [NOBODY] * 5 + [1] * 3
    assert columns["source_id"].tolist() == [*[NOBODY] * 4, PAGE, 1, 1, 1]


def test_a_pool_and_a_card_say_that_nobody_knows_the_author(spark: SparkSession) -> None:
    ranked = frame_of(
        spark,
        "gold.ranked_feeds",
        [{"user_id": 1, "rank": 1, "post_id": 11, "author_id": None, "source_id": None, "source_type": "suggested"}],
    )
    judged = ranked.withColumn("is_sensitive", F.lit(None).cast("boolean"))
    assert [(row.author_id, row.source_id) for row in code_pools(judged).collect()] == [(NOBODY, NOBODY)]
    names = spark.createDataFrame([(1, "Ann")], "author_id BIGINT, author_name STRING")
    pages = spark.createDataFrame(
        [("page", PAGE, "Bees"), ("group", 1, "Not this")], "source_type STRING, source_id BIGINT, source_name STRING"
    )
    posts = recent(spark)
    found = {
        row.post_id: json.loads(row.value) for row in cards(posts.select("post_id"), posts, names, pages).collect()
    }
    shown = {post: (found[post]["author"], found[post]["source"]) for post in (11, 15, 21)}
    assert shown == {
        11: (None, {"type": "friend", "id": None, "name": ""}),
        15: (None, {"type": "page", "id": str(PAGE), "name": "Bees"}),
        # Group 1 has the id of user 1, and nothing to do with them.
        21: ({"id": "1", "name": "Ann"}, {"type": "friend", "id": "1", "name": "Ann"}),
    }
