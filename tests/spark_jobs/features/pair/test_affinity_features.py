from collections.abc import Callable
from datetime import date
from itertools import combinations
from math import exp, log1p
from typing import Any

import numpy as np
import pytest
from pyspark.sql import DataFrame, SparkSession

from contracts.features import features_of
from contracts.settings import FeatureRules
from spark_jobs.features.graph.mutual_friends import mutual_friends
from spark_jobs.features.pair import affinity_features
from spark_jobs.night.lake import Lake, checksum
from spark_jobs.night.night import Night
from spark_jobs.rules.point_in_time import on_days
from tests.feature_frames import Rows, frames_of, pair_features
from tests.silver_rows import at, put, silver

DAY = date(2026, 3, 8)


def both_ways(user: int, friend: int, **interval: Any) -> list[dict[str, Any]]:
    pairs = ((user, friend), (friend, user))
    return [{"user_id": one, "friend_id": other, "valid_from": at(1), **interval} for one, other in pairs]


def sample() -> Rows:
    answer = {"user_id": 2, "post_id": 2, "engaged_at": at(7, 12)}
    return {
        "friendships": [
            *both_ways(1, 2, relation="family"),
            *both_ways(1, 3),
            *both_ways(2, 3),
            *both_ways(3, 4, valid_to=at(8, 1)),
        ],
        "pages": [{"page_id": 50, "owner_id": 6, "updated_at": at(1)}],
        "page_follows": [{"user_id": 1, "page_id": 50, "valid_from": at(2)}],
        "posts": [
            {"post_id": 1, "author_id": 2, "created_at": at(5)},
            {"post_id": 2, "author_id": 1, "created_at": at(5)},
            {"post_id": 3, "author_id": 7, "created_at": at(5)},
        ],
        "impressions": [
            {"impression_id": "a", "user_id": 1, "post_id": 1, "shown_at": at(6, 1)},
            {"impression_id": "b", "user_id": 1, "post_id": 1, "shown_at": at(7, 1)},
            {"impression_id": "own", "user_id": 1, "post_id": 2, "shown_at": at(7, 1)},
            {"impression_id": "stranger", "user_id": 5, "post_id": 3, "shown_at": at(7, 1)},
        ],
        "engagements": [
            {
                "engagement_id": f"e{n}",
                "user_id": 1,
                "post_id": 1,
                "engagement_type": kind,
                "engaged_at": at(*moment),
                "dwell_ms": 9_000,
            }
            for n, (kind, moment) in enumerate(
                [("like", (6, 2)), ("click", (6, 12)), ("hide", (7, 2)), ("dwell", (7, 3)), ("share", (9, 1))]
            )
        ]
        + [
            {**answer, "engagement_id": "answer", "engagement_type": "comment"},
            {**answer, "engagement_id": "profile", "engagement_type": "click", "detail": "profile"},
        ],
    }


def build(
    spark: SparkSession, rows: Rows, days: tuple[date, ...] = (DAY,), rules: FeatureRules | None = None
) -> DataFrame:
    return pair_features(frames_of(spark, rows), days, rules=rules)


def test_pairs_are_those_who_are_connected_or_met(spark: SparkSession) -> None:
    got = {(row.user_id, row.author_id): row.asDict() for row in build(spark, sample()).collect()}
    assert set(got) == {(1, 2), (2, 1), (1, 3), (3, 1), (2, 3), (3, 2), (1, 6), (5, 7)}
    expected = {
        "is_friend": 1,
        "is_follower": 0,
        "log_mutual_friends": log1p(1),
        "log_interactions": log1p(2),
        "like_rate": (1 + 20 * 0.08) / 22,
        "comment_rate": 20 * 0.02 / 22,
        "share_rate": 20 * 0.01 / 22,
        "negative_rate": (1 + 20 * 0.01) / 22,
        "recency": exp(-2.5 / 7),
        "is_close_friend": 0,
        "is_family": 1,
        "interaction_frequency": log1p(2 / 28),
        "message_frequency": log1p(1 / 28),
        "dwell_per_post": (9 + 20 * 3.0) / 22,
        "days_since_last": 2.5 / 28,
        "log_profile_visits": 0,
    }
    assert {name: got[1, 2][name] for name in expected} == pytest.approx(expected)
    assert (got[2, 1]["log_profile_visits"], got[2, 1]["message_frequency"]) == pytest.approx((log1p(1), log1p(1 / 28)))
    assert (got[2, 1]["is_family"], got[1, 3]["is_family"], got[1, 3]["days_since_last"]) == (1, 0, 1)
    close = build(spark, sample(), rules=FeatureRules(close_interactions=2)).where("is_close_friend = 1")
    assert sorted((row.user_id, row.author_id) for row in close.collect()) == [(1, 2), (2, 1)]
    assert (got[1, 6]["is_friend"], got[1, 6]["is_follower"], got[1, 6]["recency"]) == (0, 1, 0)
    assert (got[5, 7]["is_friend"], got[5, 7]["log_interactions"]) == (0, 0)
    assert got[5, 7]["like_rate"] == pytest.approx(20 * 0.08 / 21)


def test_views_and_engagements_of_each_others_posts_are_counted_together(spark: SparkSession) -> None:
    posts = [{"post_id": user, "author_id": user, "created_at": at(5)} for user in (1, 2, 3)]
    seen = [(1, 2, "a"), (1, 2, "b"), (2, 1, "c"), (1, 3, "d")]
    views = [
        {"impression_id": name, "user_id": user, "post_id": post, "shown_at": at(6, 1)} for user, post, name in seen
    ]
    acts = [(2, 1, "like"), (2, 1, "share"), (2, 1, "click"), (1, 2, "comment")]
    acts += [(1, 2, "dwell"), (2, 1, "dwell"), (1, 3, "dwell")]
    engagements = [
        {"engagement_id": f"e{n}", "user_id": user, "post_id": post, "engagement_type": kind, "engaged_at": at(6, 2)}
        | {"dwell_ms": 1_000 * n}
        for n, (user, post, kind) in enumerate(acts)
    ]
    rows: Rows = {"posts": posts, "impressions": views, "engagements": engagements}
    got = {(row.user_id, row.author_id): row for row in build(spark, rows).collect()}
    assert set(got) == {(1, 2), (2, 1), (1, 3)}, "a view in the other direction alone is no meeting"
    mean = (log1p(4) + log1p(5) + log1p(6)) / 3
    mutual = ((3 + 20 * 0.12) / 23, log1p(3), (log1p(4) + log1p(5) - 2 * mean) / 22)
    one_way = (20 * 0.12 / 21, log1p(1), (log1p(6) - mean) / 21)
    for pair, expected in {(1, 2): mutual, (2, 1): mutual, (1, 3): one_way}.items():
        found = (got[pair].mutual_engagement_rate, got[pair].log_mutual_views, got[pair].mutual_dwell)
        assert found == pytest.approx(expected, abs=1e-4), pair


def test_mutual_friends_agree_with_sets_of_friends(spark: SparkSession) -> None:
    generator = np.random.default_rng(4)
    edges = []
    for one, other in combinations(range(1, 16), 2):
        if generator.random() < 0.45:
            start, length = int(generator.integers(1, 8)), int(generator.integers(1, 6))
            edges.append((one, other, start, start + length))
            if start + length < 7:  # the edge comes back
                edges.append((one, other, start + length + 1, 30))
    rows = [
        row for one, other, start, end in edges for row in both_ways(one, other, valid_from=at(start), valid_to=at(end))
    ]
    days = [date(2026, 3, 3), date(2026, 3, 6)]
    frame = on_days(mutual_friends(silver(spark, "silver.friendships", rows), days), days)
    summed = frame.groupBy("ds", "user_id", "author_id").sum("num_mutual_friends").collect()
    expected: dict[tuple[date, int, int], int] = {}
    for day in days:
        friends: dict[int, set[int]] = {user: set() for user in range(1, 16)}
        for one, other, start, end in edges:
            if start <= day.day < end:
                friends[one].add(other)
                friends[other].add(one)
        for user, others in friends.items():
            expected |= {(day, user, other): len(others & friends[other]) for other in others}
    assert {tuple(row[:3]): row[3] for row in summed} == {pair: count for pair, count in expected.items() if count}


def test_what_an_author_writes_is_matched_with_what_the_viewer_likes(spark: SparkSession) -> None:
    texts = {"short": "x" * 79, "middling": "x" * 80, "long": "x" * 200}
    liked = {"content_type": "photo", "hashtags": ["food"], "media_count": 1, "text": texts["long"]}
    written = [
        {**liked, "post_id": 1, "author_id": 2, "created_at": at(5, 7)},
        {"post_id": 2, "author_id": 2, "created_at": at(5, 13), "text": texts["short"]},
        {**liked, "post_id": 3, "author_id": 2, "created_at": at(5, 18), "received_at": at(9), "media_count": 2},
    ]
    likes = [
        {"engagement_id": f"{n}", "user_id": 1, "post_id": 1, "engagement_type": kind, "engaged_at": at(6, hour)}
        for n, (kind, hour) in enumerate([("like", 8), ("share", 11), ("comment", 13), ("hide", 8)])
    ]
    [row] = build(spark, {"posts": written, "engagements": likes}).where("user_id = 1").collect()

    def share(count: int, total: int, kinds: int) -> float:
        return (count + 5 / kinds) / (total + 5)

    def match(viewer: list[int], author: list[int], kinds: int) -> float:
        viewer, author = ([*side, *[0] * (kinds - len(side))] for side in (viewer, author))
        sides = zip(viewer, author, strict=True)
        return sum(share(v, sum(viewer), kinds) * share(a, sum(author), kinds) for v, a in sides)

    expected = {  # photo, status; food; morning, afternoon; one medium, none; long, short
        "type_match": match([3], [1, 1], 4),
        "topic_match": match([3], [1], 10),
        "time_match": match([2, 1], [1, 1], 4),
        "format_match": match([3], [1, 1], 3),
        "length_match": match([3], [1, 1], 3),
    }
    assert {name: row[name] for name in expected} == pytest.approx(expected)


def test_somebody_without_a_profile_has_the_default_match(spark: SparkSession) -> None:
    defaults = {feature.name: feature.default for feature in features_of("pair") if feature.name.endswith("_match")}
    [row] = build(spark, {"friendships": both_ways(1, 2)}).where("user_id = 1").collect()
    assert len(defaults) == 5
    assert {name: row[name] for name in defaults} == pytest.approx(defaults)


def random_acts(seed: int) -> Rows:
    """Twenty users who are friends at random and engage with each other's posts, some of it received late."""
    generator = np.random.default_rng(seed)
    friends = [pair for pair in combinations(range(1, 21), 2) if generator.random() < 0.3]
    acts = []
    for number in range(600):
        day, late = int(generator.integers(2, 9)), int(generator.choice([0, 0, 1]))
        user, post = (int(value) for value in generator.integers(1, 21, 2))
        kind = str(generator.choice(["like", "comment", "share", "hide"]))
        act = {"engagement_id": f"{number}", "user_id": user, "post_id": post, "engagement_type": kind}
        acts.append({**act, "engaged_at": at(day, 1, number % 60), "received_at": at(day + late, 2)})
    return {
        "friendships": [row for one, other in friends for row in both_ways(one, other)],
        "posts": [{"post_id": post, "author_id": post, "created_at": at(1)} for post in range(1, 21)],
        "engagements": acts,
    }


def test_social_proof_agrees_with_sets_of_friends(spark: SparkSession) -> None:
    rows, days = random_acts(7), (date(2026, 3, 5), date(2026, 3, 8))
    friends: dict[int, set[int]] = {}
    for edge in rows["friendships"]:
        friends.setdefault(edge["user_id"], set()).add(edge["friend_id"])
    got = build(spark, rows, days).collect()
    proven = 0
    for kind, name in {"like": "liked", "comment": "commented", "share": "shared"}.items():
        for row in got:
            fans = {
                act["user_id"]
                for act in rows["engagements"]
                if act["engagement_type"] == kind
                and act["post_id"] == row.author_id != act["user_id"]
                and max(act["engaged_at"], act["received_at"]).date() <= row.ds
            }
            count = len(fans & friends.get(row.user_id, set()))
            assert row[f"log_friends_{name}"] == pytest.approx(log1p(count)), (row.user_id, row.author_id, row.ds)
            proven += count > 1
    assert proven > 100


def test_social_proof_is_bounded_and_looks_at_the_closest_friends(spark: SparkSession) -> None:
    posts = [{"post_id": author, "author_id": author, "created_at": at(1)} for author in range(10, 16)]
    act = {"engagement_type": "like", "engaged_at": at(5)}
    acts = [
        {**act, "engagement_id": f"{friend} {post}", "user_id": friend, "post_id": post, "engaged_at": at(5, post)}
        for friend in (2, 3, 4)
        for post in range(10, 16)
    ]
    # Friend 3 is the closest: the viewer liked what 3 wrote.
    posts.append({"post_id": 3, "author_id": 3, "created_at": at(1)})
    acts.append({**act, "engagement_id": "close", "user_id": 1, "post_id": 3})
    follows = [{"user_id": 1, "page_id": author, "valid_from": at(1)} for author in range(10, 16)]
    rows: Rows = {
        "posts": posts,
        "engagements": acts,
        "friendships": [row for friend in (2, 3, 4) for row in both_ways(1, friend)],
        "pages": [{"page_id": author, "owner_id": author, "updated_at": at(1)} for author in range(10, 16)],
        "page_follows": follows,
    }
    frame = build(spark, rows, rules=FeatureRules(proof_friends=2, proof_authors=4))
    got = {row.author_id: row.log_friends_liked for row in frame.where("user_id = 1 AND author_id >= 10").collect()}
    # Of three friends two are asked, and each tells of the last four authors only.
    assert got == pytest.approx({10: 0, 11: 0, **dict.fromkeys(range(12, 16), log1p(2))})
    alone = build(spark, rows, rules=FeatureRules(proof_friends=1)).where("user_id = 1 AND author_id = 10").collect()
    assert alone[0].log_friends_liked == pytest.approx(log1p(1))


def test_the_backlog_is_built_once_and_a_rerun_changes_nothing(lake: Lake, make_night: Callable[..., Night]) -> None:
    for name, rows in sample().items():
        put(lake, f"silver.{name}", rows)
    affinity_features.main(make_night())
    built = lake.read(affinity_features.TABLE)
    first, days = checksum(built), sorted({row.ds.day for row in built.select("ds").collect()})
    assert days == list(range(1, 9))
    assert built.where("ds = '2026-03-07' AND user_id = 3 AND author_id = 4").count() == 1
    affinity_features.main(make_night())
    assert checksum(lake.read(affinity_features.TABLE)) == first


def test_bookmarks_and_views_are_interactions_and_an_unknown_author_is_in_no_pair(spark: SparkSession) -> None:
    posts = [{"post_id": 1, "author_id": 2, "created_at": at(5)}]
    posts += [{"post_id": 2, "author_id": None, "source_id": None, "created_at": at(5)}]
    kinds = ("view", "view", "bookmark", "dwell", "hide")
    acts = [
        {"engagement_id": f"{post}{n}", "user_id": 1, "post_id": post, "engagement_type": kind, "engaged_at": at(8, n)}
        for n, kind in enumerate(kinds)
        for post in (1, 2)
    ]
    shown = [{"impression_id": "i", "user_id": 1, "post_id": post, "shown_at": at(7)} for post in (1, 2)]
    rows = pair_features(frames_of(spark, {"posts": posts, "engagements": acts, "impressions": shown}), [DAY]).collect()
    assert [(row.user_id, row.author_id) for row in rows] == [(1, 2)]
    assert rows[0].log_interactions == pytest.approx(log1p(3))
    # The bookmark at two o'clock was the last; a view is no impression, of which there was one.
    assert rows[0].days_since_last == pytest.approx(22 / 24 / 28)
    assert rows[0].like_rate == pytest.approx(20 * 0.08 / 21)
