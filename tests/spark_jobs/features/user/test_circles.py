from datetime import date
from math import log1p
from typing import Any

import pytest
from pyspark.sql import SparkSession

from contracts.settings import FeatureRules
from tests.feature_frames import Rows, frames_of, user_features_of
from tests.silver_rows import at


def acted(user: int, kind: str, post: int, moment: Any, **more: Any) -> dict[str, Any]:
    row = {"engagement_id": f"{user} {kind} {moment}", "user_id": user, "post_id": post, "engagement_type": kind}
    return {**row, "engaged_at": moment, **more}


def test_friends_are_looked_at_as_of_the_same_day(spark: SparkSession) -> None:
    pairs = [(1, 2), (1, 3), (1, 4)]
    rows: Rows = {
        "users": [{"user_id": user, "valid_from": at(1)} for user in range(1, 5)],
        "friendships": [
            {"user_id": one, "friend_id": other, "valid_from": at(1)}
            for pair in pairs
            for one, other in (pair, pair[::-1])
        ],
        "pages": [{"page_id": 11, "owner_id": 3, "updated_at": at(1)}],
        "page_follows": [{"user_id": user, "page_id": 11, "valid_from": at(2)} for user in (1, 2)]
        + [{"user_id": 4, "page_id": 11, "valid_from": at(8), "received_at": at(9)}],
        "posts": [{"post_id": 1, "author_id": 2, "created_at": at(5)}],
        "engagements": [acted(1, kind, 1, at(6, n)) for n, kind in enumerate(["like", "comment", "click"])]
        + [acted(4, "like", 1, at(7)), acted(4, "share", 1, at(7), received_at=at(9))],
    }
    frames = frames_of(spark, rows)
    days = (date(2026, 3, 6), date(2026, 3, 8))
    got = {
        (row.user_id, row.ds.day): row.asDict()
        for row in user_features_of(frames, days, rules=FeatureRules(influential_audience=3)).collect()
    }
    # On the 8th the window has four days; friends of 1: 2 wrote a post, 4 liked it, 3 did nothing but owns a page.
    expected = {
        "mean_friend_activity": log1p(2 / 3 / 4),
        "close_friend_ratio": 1 / 3,
        "creator_ratio": 1 / 3,
        "influential_friend_ratio": 1 / 3,  # 3 has one friend and two followers; 4 follows from the 9th on
    }
    assert {name: got[1, 8][name] for name in expected} == pytest.approx(expected)
    assert got[1, 6]["mean_friend_activity"] == pytest.approx(log1p(1 / 3 / 2))
    assert got[4, 8]["close_friend_ratio"] == 0
    assert got[4, 8]["mean_friend_activity"] == pytest.approx(log1p(3 / 4))
