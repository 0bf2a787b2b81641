import json
from collections.abc import Callable
from dataclasses import replace
from math import log1p
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, Row, SparkSession

from contracts.settings import Exploration, PoolRules, RerankRules, Settings
from spark_jobs.night.lake import Lake, checksum
from spark_jobs.night.night import Night
from spark_jobs.rerank import ranked_feeds
from tests.feed_rows import DS, MemoryLake, hours, keep, put

ANN, BOB, CAT = 1, 2, 3
BY_VALUE = Settings(rerank=RerankRules(order=("topic",)), exploration=Exploration(every=0))
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

    def run(rows: Tables, rules: PoolRules | None = None, settings: Settings = BY_VALUE) -> list[Row]:
        lake = MemoryLake(spark, "memory", rows)
        ranked_feeds.main(Night(lake, DS, "", tmp_path, replace(settings, pool=rules or PoolRules())))
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


def test_who_asks_for_it_sees_friends_first_and_who_answers_is_not_new(rank: Rank) -> None:
    rows = tables([(user, post, post, -float(post)) for user in (ANN, BOB) for post in range(11, 31)])
    for row in rows["gold.feed_candidates"]:
        row["source_type"] = "friend" if row["post_id"] in {25, 28} else "suggested"
    rows["silver.users"] = [{"user_id": ANN, "name": "a", "feed_preferences": ["friends_first"]}]
    rows["silver.users"] += [{"user_id": BOB, "name": "b", "feed_preferences": ["fewer_ads"]}]
    asked = replace(BY_VALUE, rerank=RerankRules(order=("topic", "friends")))
    assert {user: pool[:3] for user, pool in in_order(rank(rows, settings=asked)).items()} == {
        ANN: [25, 28, 11],
        BOB: [11, 12, 13],
    }
    at = hours(30)
    known = {"user_id": BOB, "engagement_type": "like", "engaged_at": at, "received_at": at, "event_date": at.date()}
    rows["silver.engagements"] = [{"engagement_id": str(n), "post_id": n, **known} for n in range(5)]
    explored = Settings(rerank=RerankRules(order=("topic",)))
    drawn = [row.user_id for row in rank(rows, settings=explored) if row.is_exploration]
    assert (drawn.count(ANN), drawn.count(BOB)) == (4, 2)


def test_running_twice_gives_the_same_table(lake: Lake, make_night: Callable[..., Night]) -> None:
    for name, rows in tables([(u, p, p % 3, float(p % 2)) for u in range(4) for p in range(12)]).items():
        put(lake, name, rows)
    night = make_night()
    ranked_feeds.main(night)
    first = checksum(night.read("gold.ranked_feeds"))
    ranked_feeds.main(night)
    assert checksum(night.read("gold.ranked_feeds")) == first
    assert night.read("gold.ranked_feeds").count() == 4 * 9


NO_CHOICE = "of 20 places, those whose user had no candidate that keeps the rule:"
TRUE_FACTS = Settings(
    rerank=RerankRules(order=("similarity", "type", "recency", "source", "topic"), page=100, similar_after=0),
    exploration=Exploration(every=1, few_views=3, few_author_views=5, new_h=2, uniform=0.999),
)


def test_rules_read_what_is_known_of_posts(rank: Rank, monkeypatch: pytest.MonkeyPatch) -> None:
    pairs: Any = [(ANN, post, 50 if post < 15 else None, -float(post)) for post in range(11, 17)]
    rows = tables(pairs)
    known = {"log_likes": log1p(2), "log_shares": log1p(1), "log_views": log1p(4)}
    embedding = [0.6, 0.8] + [0.0] * 48
    topics = [0.1, 0.7, 0.2] + [0.0] * 7
    rows["gold.post_features"] = [
        {
            "post_id": 11,
            "author_id": 50,
            "read_topics": topics,
            "content_embedding": embedding,
            **known,
        },
        {"post_id": 12, "author_id": 50, "log_views": log1p(2)},
        {"post_id": 14, "author_id": 50, "log_views": log1p(3)},
        {"post_id": 15, "author_id": None, "log_views": log1p(4)},
    ]
    for candidate, age, kind in zip(
        rows["gold.feed_candidates"],
        (0.5, 1, 6, 24, 5, 90),
        ("friend", "page", "group", "suggested", "page", "friend"),
        strict=True,
    ):
        candidate |= {"created_at": hours(age), "source_type": kind}
    for post, kind in zip(rows["silver.posts"], ("photo", "link", "status", "status", "video", "status"), strict=True):
        post["content_type"] = kind
    seen: list[Row] = []

    def keep_asked(frame: DataFrame, *_: Any) -> None:
        seen.extend(frame.collect())
        raise StopIteration

    monkeypatch.setattr(ranked_feeds, "fill", keep_asked)
    with pytest.raises(StopIteration):
        rank(rows, settings=TRUE_FACTS)
    found = {row.post_id: row for row in seen}
    assert {post: row.content_type for post, row in found.items()} == {11: 1, 12: 3, 13: 0, 14: 0, 15: 2, 16: 0}
    assert {post: row.age for post, row in found.items()} == {11: 0, 12: 1, 13: 2, 14: 3, 15: 1, 16: 3}
    assert [found[post].topic for post in (11, 12)] == [1, -1]
    assert (found[11].num_engaged, found[11].num_views) == (3, 4)
    assert [round(number) for number in found[11].embedding[:3]] == [76, 102, 0]
    assert found[13].embedding == [0.0] * 50
    # By its age, by its own views, never shown, and by its author's: 14 is old, known, and of an author shown 9 times.
    assert [post for post, row in sorted(found.items()) if row.is_little_known] == [11, 12, 13, 15, 16]
    assert found[14].source == found[16].source == -1
    assert len({found[post].source for post in (11, 12, 13)}) == 3


def test_what_gave_way_and_what_was_explored_is_told(rank: Rank, tmp_path: Path) -> None:
    rows = tables([(ANN, post, post, -float(post)) for post in range(11, 31)])
    written = rank(rows, settings=Settings())
    explored = [row for row in written if row.is_exploration]
    assert len(explored) == 4, "a new user's: one place in five"
    assert all(0 < row.propensity < 1 for row in explored)
    record = json.loads((tmp_path / DS.isoformat() / "rerank.json").read_text())
    # All are statuses, of which six may stand among twenty.
    assert record == {
        "ds": DS.isoformat(),
        "places": 20,
        "broken": {"topic": 0, "source": 0, "type": 14, "friends": 0},
        "explored": 4,
    }
    notes = json.loads((tmp_path / DS.isoformat() / "notes" / "gold.ranked_feeds.json").read_text())
    assert notes == [
        f"{NO_CHOICE} topic 0 (0.00%), source 0 (0.00%), type 14 (70.00%), friends 0 (0.00%).",
        "4 places (20.0%) were drawn among little-known posts.",
    ]


def test_posts_of_unknown_authors_are_not_taken_for_those_of_one(rank: Rank) -> None:
    rows: Any = [(ANN, 20 + place, None, 10.0 - place) for place in range(5)]
    rows += [(ANN, 30 + place, BOB, 1.0 - place) for place in range(5)]
    assert in_order(rank(tables(rows))) == {ANN: [20, 21, 22, 23, 24, 30, 31, 32]}
