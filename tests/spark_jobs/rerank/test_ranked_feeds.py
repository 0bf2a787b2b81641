from collections.abc import Callable
from math import log1p
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyspark.sql import Row, SparkSession

from contracts.settings import PoolRules, Settings
from spark_jobs.lake import Lake, checksum
from spark_jobs.night import Night
from spark_jobs.rerank import ranked_feeds
from tests.feed_rows import DS, MemoryLake, keep, put

ANN, BOB, CAT = 1, 2, 3
Tables = dict[str, list[dict[str, Any]]]


def tables(rows: list[tuple[int, int, int, float]], **columns: Any) -> Tables:
    """Public posts scored for users: (user, post, author, value)."""
    posts = {post: author for _, post, author, _ in rows}
    keys = [{"user_id": u, "post_id": p, "author_id": a} for u, p, a, _ in rows]
    return {
        "silver.posts": [{"post_id": p, "author_id": a, "source_id": a, **columns} for p, a in posts.items()],
        "gold.feed_candidates": [{**key, "source_id": key["author_id"]} for key in keys],
        "gold.scored_candidates": [{**key, "value_score": row[3]} for key, row in zip(keys, rows, strict=True)],
    }


def in_order(rows: list[Row]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for row in sorted(rows, key=lambda row: (row.user_id, row.rank)):
        found.setdefault(row.user_id, []).append(row.post_id)
        assert row.rank == len(found[row.user_id])
    return found


Rank = Callable[..., list[Row]]


@pytest.fixture
def rank(spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Rank:
    monkeypatch.setattr(ranked_feeds, "write_partition", keep)

    def run(rows: Tables, rules: PoolRules | None = None) -> list[Row]:
        lake = MemoryLake(spark, "memory", rows)
        ranked_feeds.main(Night(lake, DS, "", tmp_path, Settings(pool=rules or PoolRules())))
        return lake.written

    return run


def test_best_first_ties_by_post_id_and_three_per_author(rank: Rank) -> None:
    ties = [(ANN, 11, BOB, 1.0), (ANN, 13, CAT, 2.0), (ANN, 12, CAT, 2.0), (ANN, 14, BOB, -1.0)]
    crowded = [(CAT, 20 + place, BOB, 10.0 - place) for place in range(5)] + [(CAT, 29, 4, 0.0)]
    assert in_order(rank(tables(ties + crowded))) == {ANN: [12, 13, 11, 14], CAT: [20, 21, 22, 29]}


def test_a_pool_ends_at_its_size(rank: Rank) -> None:
    scored = [(ANN, post, post, float(post)) for post in range(6)]
    assert in_order(rank(tables(scored), PoolRules(size=2))) == {ANN: [5, 4]}


def test_what_became_invisible_since_scoring_is_dropped(rank: Rank) -> None:
    rows = tables([(ANN, 11, BOB, 1.0), (ANN, 12, CAT, 2.0), (BOB, 12, CAT, 2.0), (BOB, 13, CAT, 9.0)])
    rows["silver.posts"][-1]["is_deleted"] = True
    rows["silver.blocks"] = [{"user_id": CAT, "blocked_id": ANN}]
    assert in_order(rank(rows)) == {ANN: [11], BOB: [12]}


def test_what_policy_keeps_from_its_viewer_is_dropped(rank: Rank) -> None:
    rows = tables([(user, post, post, float(post)) for user in (ANN, BOB) for post in (11, 12, 13)])
    known = {"labeller_id": "c", "labeller_type": "fact_checker", "label": "misinformation", "value": True}
    rows["silver.content_labels"] = [{"post_id": 13, **known}]
    rows["gold.content_risks"] = [{"post_id": 12, "clickbait": 0.9}]
    rows["silver.users"] = [{"user_id": BOB, "name": "", "feed_preferences": ["hide_clickbait"]}]
    assert in_order(rank(rows)) == {ANN: [12, 11], BOB: [11]}


def test_a_reason_follows_from_the_source_and_interests(rank: Rank) -> None:
    kinds = ["friend", "page", "group", "suggested", "suggested", "suggested"]
    tags = [["#Sports"], [], [], ["#Sports"], ["food"], ["food"]]
    rows = tables([(ANN, post, post, 0.0) for post in range(11, 17)])
    rows["gold.post_features"] = [{"post_id": 15, "log_shares": log1p(1)}, {"post_id": 16, "log_views": 5.0}]
    for post, candidate, kind, tag in zip(rows["silver.posts"], rows["gold.feed_candidates"], kinds, tags, strict=True):
        post["hashtags"], candidate["source_type"] = tag, kind
    rows["silver.posts"][2] |= {"source_type": "group", "source_id": 50}
    rows["silver.group_memberships"] = [{"user_id": ANN, "group_id": 50}]
    rows["gold.user_features"] = [{"user_id": ANN, "interest_sports": 0.25, "interest_food": 0.19}]
    reasons = [row.reason for row in sorted(rank(rows), key=lambda row: row.post_id)]
    assert reasons == ["friend_posted", "page_posted", "group_posted", "suggested_topic", "popular", "recent"]


def test_running_twice_gives_the_same_table(lake: Lake, make_night: Callable[..., Night]) -> None:
    for name, rows in tables([(u, p, p % 3, float(p % 2)) for u in range(4) for p in range(12)]).items():
        put(lake, name, rows)
    night = make_night()
    ranked_feeds.main(night)
    first = checksum(night.read("gold.ranked_feeds"))
    ranked_feeds.main(night)
    assert checksum(night.read("gold.ranked_feeds")) == first
    assert night.read("gold.ranked_feeds").count() == 4 * 9


@pytest.mark.parametrize(("most", "size"), [(3, 8), (1, 3)])
def test_pools_are_the_greedy_choice(spark: SparkSession, most: int, size: int) -> None:
    generator = np.random.default_rng(most)
    drawn = generator.integers(0, (60, 5, 4), (900, 3)).tolist()
    rows = [(user, post, author, float(value)) for post, (user, author, value) in enumerate(drawn)]
    frame = spark.createDataFrame(rows, "user_id BIGINT, post_id BIGINT, author_id BIGINT, value_score FLOAT")
    ranked = ranked_feeds.order_pools(frame, PoolRules(size=size, max_per_author=most)).collect()
    expected = set()
    for user in range(60):
        taken: list[tuple[int, int]] = []
        for _, post, author, _ in sorted((r for r in rows if r[0] == user), key=lambda r: (-r[3], r[1])):
            if len(taken) < size and sum(a == author for _, a in taken) < most:
                taken.append((post, author))
        expected |= {(user, place, post) for place, (post, _) in enumerate(taken, 1)}
    assert {(row.user_id, row.rank, row.post_id) for row in ranked} == expected


def test_posts_of_unknown_authors_are_not_taken_for_those_of_one(rank: Rank) -> None:
    rows: Any = [(ANN, 20 + place, None, 10.0 - place) for place in range(5)]
    rows += [(ANN, 30 + place, BOB, 1.0 - place) for place in range(5)]
    assert in_order(rank(tables(rows))) == {ANN: [20, 21, 22, 23, 24, 30, 31, 32]}
