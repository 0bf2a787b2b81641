from collections.abc import Callable
from datetime import date
from math import log1p
from typing import Any

import pytest

from contracts.features import features_of
from spark_jobs.features.post import post_features
from spark_jobs.night.ddl import read_schema
from spark_jobs.night.lake import Lake, checksum
from spark_jobs.night.night import Night
from spark_jobs.night.writers import write_partition
from tests.feature_values import default_value, defaults
from tests.landed import post
from tests.silver_rows import at, put, put_reading
from tests.written_posts import deletion, edit, put_posts

MADE, MIDNIGHT = "2026-03-07T12:00:00Z", "2026-03-09T00:00:00Z"


def author_row(night: Night, user_id: int, **known: float) -> None:
    values = [known.get(feature.name, default_value(feature)) for feature in features_of("user")]
    frame = night.spark.createDataFrame([(user_id, *values, None, None, night.ds)], read_schema("gold.user_features"))
    write_partition(night.lake, "gold.user_features", frame, [night.ds])


@pytest.fixture
def night(lake: Lake, make_night: Callable[..., Night]) -> Night:
    night = make_night()
    first = post(1, 7, "1", MADE, text="only this")
    whole: dict[str, Any] = {
        "content_type": "video",
        "text": "abcd",
        "hashtags": ["Food", "#travel", "x"],
        "mentions": [4],
    }
    later = {"content_type": "link", "text": "as it was told after midnight"}
    events = [
        first,
        edit(first, "1b", "2026-03-08T12:00:00Z", **whole, media_count=2, image_quality=0.75, location="Recife"),
        edit(first, "1c", "2026-03-08T13:00:00Z", MIDNIGHT, **later),
        post(2, 7, "2", MADE),
        deletion(2, "2 is gone", "2026-03-08T01:00:00Z"),
        post(3, 8, "3", MADE),
        deletion(3, "3 is gone", MIDNIGHT),
        post(4, 7, "4", "2026-03-05T23:59:00Z"),
        post(5, 7, "5", MADE, MIDNIGHT),
        post(6, 7, "6", MADE),
        edit(post(6, 7, "6", MADE), "6b", "2026-03-08T01:00:00Z", privacy="friends"),
        deletion(6, "6 is gone, and nobody knew", "2026-03-08T02:00:00Z", MIDNIGHT),
    ]
    put_posts(lake, events)
    views = [{"impression_id": f"v{n}", "user_id": n, "post_id": 1, "shown_at": at(8, 1)} for n in range(10)]
    put(lake, "silver.impressions", [*views, {**views[0], "impression_id": "late", "received_at": at(9)}])
    kinds = [
        ("like", 1),
        ("like", None),
        ("accept", None),
        ("dislike", None),
        ("report", 2),
        ("share", 3),
        ("dwell", 3),
    ]
    acts = [
        {"engagement_id": f"e{n}", "user_id": user, "post_id": 1, "engagement_type": kind, "engaged_at": at(8, 2)}
        for n, (kind, user) in enumerate(kinds)
    ]
    put(lake, "silver.engagements", [*acts, {**acts[0], "engagement_id": "too late", "engaged_at": at(9)}])
    put_reading(lake, 1, at(7, 12), date(2026, 3, 7), -0.25)
    put_reading(lake, 1, at(8, 12), date(2026, 3, 8), 0.75)
    put_reading(lake, 1, at(8, 13), date(2026, 3, 8), -1.0)
    author_row(
        night,
        7,
        log_friends=2.5,
        log_followers=1.5,
        is_verified=1.0,
        received_engagement_rate=0.25,
        received_read_rate=0.3,
        received_report_rate=0.02,
        authority=0.07,
    )
    return night


def test_features_of_live_posts(night: Night) -> None:
    post_features.main(night)
    rows = {row.post_id: row.asDict() for row in night.read(post_features.TABLE).collect()}
    assert set(rows) == {1, 3, 6}
    expected = {
        "is_status": 0,
        "is_video": 1,
        "log_views": log1p(10),
        "log_likes": log1p(2),
        "log_comments": 0,
        "log_shares": log1p(1),
        "comment_like_ratio": 0,
        "share_like_ratio": 1 / 3,
        "engagement_rate": (3 + 20 * 0.12) / 30,
        "negative_rate": (2 + 20 * 0.01) / 30,
        "likes_per_hour": log1p(2 / 36),
        "shares_per_hour": log1p(1 / 36),
        "author_log_friends": 2.5,
        "author_log_followers": 1.5,
        "author_is_verified": 1,
        "author_engagement_rate": 0.25,
        "author_negative_rate": 0.01,
        "age_days": log1p(1.5),
        "created_hour": 0.5,
        "created_weekday": 5 / 7,
        "created_on_weekday": 0,
        "age_weeks": 1.5 / 7,
        "has_location": 1,
        "author_quality": 0.3,
        "author_spam": 0.02,
        "author_authority": 0.07,
        "log_length": log1p(4),
        "log_media": log1p(2),
        "image_quality": 0.75,
        "log_hashtags": log1p(3),
        "log_mentions": log1p(1),
        "sentiment": 0.75,
        "topic_food": 0.5,
        "topic_travel": 0.5,
        "topic_sports": 0,
    }
    assert {name: rows[1][name] for name in expected} == pytest.approx(expected)
    # The text that stood at midnight: that of noon, read the same night.
    assert rows[1]["content_embedding"] == pytest.approx([0.75, *[0.0] * 48, (1 - 0.75**2) ** 0.5])
    assert rows[1]["read_topics"] == pytest.approx([0.1] * 10)
    assert rows[1]["language"] == [1, 0, 0, 0, 0, 0]
    assert (rows[1]["log_words"], rows[1]["capital_share"]) == (0.75, 0.75)
    assert sorted(map(abs, rows[1]["creator_sketch"])) == [0] * 7 + [1]
    assert rows[3]["image_quality"] == 0.5
    unread = {name: rows[3][name] for name in ("content_embedding", "read_topics", "language", "log_words")}
    assert unread == {**{name: value for name, value in defaults("post").items() if name in unread}}
    assert (rows[3]["engagement_rate"], rows[3]["author_log_friends"], rows[3]["sentiment"]) == pytest.approx(
        (0.12, 0, 0)
    )


def test_a_rerun_changes_nothing(night: Night) -> None:
    post_features.main(night)
    first = checksum(night.read(post_features.TABLE))
    post_features.main(night)
    assert checksum(night.read(post_features.TABLE)) == first
