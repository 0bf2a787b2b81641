from collections import Counter
from datetime import UTC, date, timedelta
from typing import Any

import numpy as np
from pyspark.sql import DataFrame, SparkSession

from contracts.settings import NegativeSampling
from spark_jobs.examples.exposures import first_engagements, sampled_exposures
from spark_jobs.examples.window import Window
from spark_jobs.rules.post_versions import all_versions, with_deletions
from tests.landed import post
from tests.silver_rows import at, silver
from tests.written_posts import clean_posts, deletion, edit

WINDOW = Window(date(2026, 3, 1), date(2026, 3, 7), at(9), attribution_hours=24, dwell_hours=1, candidate_hours=48)
POSTS: list[dict[str, Any]] = [
    {"post_id": number, "author_id": 10 + number % 5, "created_at": at(4) + timedelta(hours=2 * number)}
    for number in range(30)
]


def sampled(spark: SparkSession, posts: list[dict[str, Any]], acts: list[dict[str, Any]], slot: int = 1000) -> Any:
    return drawn(spark, (silver(spark, "silver.posts", posts), silver(spark, "silver.post_edits")), acts, slot)


def drawn(spark: SparkSession, tables: tuple[DataFrame, DataFrame], acts: list[dict[str, Any]], slot: int) -> Any:
    rows = [{"engagement_id": f"e{n}", "engagement_type": "like", **act} for n, act in enumerate(acts)]
    engagements, versions = silver(spark, "silver.engagements", rows), with_deletions(all_versions(*tables), tables[0])
    frame = sampled_exposures(engagements, versions, WINDOW, NegativeSampling(4, slot), seed=20)
    return sorted(frame.collect(), key=lambda row: row.example_id)


def test_engagements_of_a_day_collapse_into_the_first(spark: SparkSession) -> None:
    rows = [
        {"engagement_id": "b", "engagement_type": "comment", "engaged_at": at(5, 9), "user_id": 1},
        {"engagement_id": "a", "engagement_type": "like", "engaged_at": at(5, 9), "user_id": 1},
        {"engagement_id": "c", "engagement_type": "like", "engaged_at": at(5, 12), "user_id": 1},
        {"engagement_id": "d", "engagement_type": "share", "engaged_at": at(6, 1), "user_id": 1},
        {"engagement_id": "e", "engagement_type": "click", "engaged_at": at(7, 1), "user_id": 1},
        {"engagement_id": "open", "engagement_type": "like", "engaged_at": at(8, 1), "user_id": 1},
    ]
    got = first_engagements(silver(spark, "silver.engagements", rows), WINDOW).collect()
    assert {(row.example_id, row.shown_at.day) for row in got} == {("a", 5), ("d", 6)}


def test_negatives_are_posts_that_could_have_been_met(spark: SparkSession) -> None:
    acts = [{"user_id": 11 if n == 3 else n, "post_id": n, "engaged_at": at(6, 0, n)} for n in range(8)]
    acts += [
        {"user_id": 2, "post_id": 5, "engaged_at": at(6, 20), "engagement_type": "hide"},
        {"user_id": 2, "post_id": 6, "engaged_at": at(4, 20), "engagement_type": "click"},
        {"post_id": 4, "engaged_at": at(6, 1)},
    ]
    rows = sampled(spark, POSTS, acts)
    positives = {row.example_id: row for row in rows if "-" not in row.example_id}
    negatives = [row for row in rows if "-" in row.example_id]
    assert len(positives) == 8
    assert Counter(row.example_id.split("-")[0] for row in negatives) == dict.fromkeys(positives, 4)
    assert {(row.exposure, row.position, row.propensity) for row in rows} == {("sampled", None, None)}
    for row in negatives:
        positive = positives[row.example_id.split("-")[0]]
        assert (row.user_id, row.shown_at) == (positive.user_id, positive.shown_at)
        shown = POSTS[row.post_id]
        shown_at = row.shown_at.astimezone(UTC)
        assert shown_at - timedelta(hours=48) < shown["created_at"] <= shown_at
        assert shown["author_id"] != row.user_id
        assert row.post_id != positive.post_id
        assert row.user_id != 2 or row.post_id not in {2, 5, 6}


def test_negatives_are_what_was_public_then_whatever_became_of_it(spark: SparkSession) -> None:
    made, before, after = "2026-03-05T01:00:00Z", "2026-03-05T02:00:00Z", "2026-03-07T01:00:00Z"
    posts = {number: post(number, 11, f"p{number}", made) for number in range(90, 99)}
    posts[90] |= {"privacy": "friends"}
    posts[91] |= {"received_at": after}
    posts[97] |= {"privacy": "only_me"}
    posts[98] |= {"privacy": "only_me"}
    events = [
        *posts.values(),
        deletion(92, "gone", before),
        deletion(93, "gone later", after),
        deletion(94, "gone, and nobody knew", before, after),
        edit(posts[95], "hidden later", after, privacy="only_me"),
        edit(posts[96], "hidden", before, privacy="only_me"),
        edit(posts[97], "shown later", after, privacy="public"),
        edit(posts[98], "shown, and nobody knew", before, after, privacy="public"),
    ]
    rows = drawn(spark, clean_posts(spark, events), [{"user_id": 1, "post_id": 200, "engaged_at": at(6)}], 1000)
    assert {row.post_id for row in rows if "-" in row.example_id} == {93, 94, 95}


def test_negatives_depend_on_the_seed_and_ids_alone(spark: SparkSession) -> None:
    acts = [{"user_id": n, "post_id": n, "engaged_at": at(6, n)} for n in range(6)]
    once = sampled(spark, POSTS, acts)
    assert once == sampled(spark, POSTS[::-1], acts)
    assert {row.post_id for row in once} != {row.post_id for row in once[:5]}


def test_slots_bound_the_posts_that_meet_a_positive_and_stay_uniform(spark: SparkSession) -> None:
    posts = [{**row, "created_at": at(5) + timedelta(minutes=n)} for n, row in enumerate(POSTS)]
    acts = [{"user_id": 100 + n, "post_id": 200, "engaged_at": at(6, 0, 0, n // 60, n % 60)} for n in range(600)]
    rows = [row for row in sampled(spark, posts, acts, slot=10) if "-" in row.example_id]
    drawn = Counter(row.post_id for row in rows)
    assert set(drawn) == set(range(30))
    # Three slots of about ten posts: a post is drawn at a rate of 4 / (its slot's size) in a third of the examples.
    assert np.mean(list(drawn.values())) == len(rows) / 30
    assert len(rows) == 2400
