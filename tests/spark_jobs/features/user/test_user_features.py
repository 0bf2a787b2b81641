from collections.abc import Callable
from datetime import date
from math import log1p
from typing import Any

import numpy as np
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from contracts.features import defaults_of, features_of
from spark_jobs.features.pair import affinity_features
from spark_jobs.features.user import user_features
from spark_jobs.night.lake import Lake, checksum
from spark_jobs.night.night import Night
from spark_jobs.rules.creator_sketch import sketch_of
from tests.feature_frames import Rows, frames_of, reading, user_features_of
from tests.feature_values import numbers
from tests.silver_rows import at, put

DAY = date(2026, 3, 8)


def build(spark: SparkSession, rows: Rows, days: tuple[date, ...] = (DAY,)) -> DataFrame:
    return user_features_of(frames_of(spark, rows), days)


def act(user: int | None, kind: str, post: int, moment: Any, **more: Any) -> dict[str, Any]:
    name = f"{user} {kind} {post} {moment} {len(more)}"
    return {
        "engagement_id": name,
        "user_id": user,
        "post_id": post,
        "engagement_type": kind,
        "engaged_at": moment,
        **more,
    }


def known_location(kind: str, name: str, rank: int, share: float, day: date = DAY) -> dict[str, Any]:
    return {"kind": kind, "location": name, "num_users": 5, "share": share, "rank": rank, "ds": day}


@pytest.fixture(scope="module")
def got(spark: SparkSession) -> dict[int, dict[str, Any]]:
    """Users 1 to 6, each with the history that its test is about."""
    user = {"user_id": 1, "signup_at": at(1), "country": "NL", "birth_year": 1986}
    users = [
        {**user, "valid_from": at(1), "valid_to": at(5), "gender": "male"},
        {**user, "valid_from": at(5), "valid_to": at(7), "gender": "female", "is_verified": True},
        {**user, "valid_from": at(7), "gender": "male", "received_at": at(9, 1)},
        {"user_id": 2, "valid_from": at(9)},
        {"user_id": 3, "valid_from": at(8), "signup_at": at(9)},
        {"user_id": 4, "valid_from": at(1)},
        {"user_id": 5, "valid_from": at(1), "interests": ["sports", "food", "x"]},
        {"user_id": 6, "valid_from": at(1)},
    ]
    posts = [
        {
            "post_id": 1,
            "author_id": 9,
            "created_at": at(5),
            "content_type": "photo",
            "hashtags": ["#Sports", "food"],
            "source_type": "page",
        },
        {"post_id": 2, "author_id": 4, "created_at": at(6), "content_type": "video", "hashtags": ["cats"]},
    ]
    edited = at(8, 12)
    views = [
        {"impression_id": "a", "post_id": 1, "shown_at": at(7, 1), "session_id": "s1"},
        {"impression_id": "ad", "post_id": 1, "shown_at": at(7, 1), "session_id": "s1", "ad_id": 7},
        {"impression_id": "b", "post_id": 1, "shown_at": at(7, 2), "session_id": "s1", "device": "desktop"},
        {"impression_id": "c", "post_id": 2, "shown_at": at(8, 3), "session_id": "s1", "connection": "wifi"},
        {"impression_id": "late", "post_id": 2, "shown_at": at(8, 3), "received_at": at(9)},
    ]
    kinds = [("like", 1), ("comment", 1), ("comment", 1), ("comment", 1), ("hide", 2), ("click", 2), ("share", 2)]
    friends = [
        {"friend_id": 2, "valid_from": at(1)},
        {"friend_id": 3, "valid_from": at(1), "valid_to": at(8, 23)},
        {"friend_id": 4, "valid_from": at(1), "valid_to": at(9)},
        {"friend_id": 5, "valid_from": at(8), "received_at": at(9)},
    ]
    rows: Rows = {
        "users": users,
        "posts": [{**posts[0], "updated_at": edited, "version_received_at": edited, "came_first": False}, posts[1]],
        "impressions": [{"user_id": 4, **view} for view in views],
        "engagements": [
            *(act(4, kind, post, at(7, 4, n)) for n, (kind, post) in enumerate(kinds)),
            act(None, "dislike", 2, at(7, 4)),
            act(4, "dwell", 2, at(8, 19), dwell_ms=12_000),
            act(4, "dwell", 1, at(8, 20), dwell_ms=4_000),
            act(4, "like", 1, at(8, 21)),
            act(4, "like", 1, at(8, 22), ad_id=7),
        ],
        "friendships": [{"user_id": 6, **friend} for friend in friends],
        "page_follows": [
            {"user_id": user, "page_id": page, "valid_from": at(2)} for user, page in ((6, 10), (2, 11), (8, 11))
        ],
        "pages": [{"page_id": 11, "owner_id": 6, "updated_at": at(1)}],
        "group_memberships": [{"user_id": 6, "group_id": 20, "valid_from": at(2)}],
        "post_edits": [{**posts[0], "came_first": True, "superseded_at": edited, "superseded_received_at": edited}],
        "content_embeddings": [reading(1, at(5), 0), reading(1, at(8, 12), 49)],
        "locations": [known_location("country", "NL", 1, 0.25), known_location("city", "Pune", 1, 0.5)],
    }
    return {row.user_id: row.asDict() for row in build(spark, rows).collect()}


def test_profile_is_the_newest_version_that_was_known(got: dict[int, dict[str, Any]]) -> None:
    assert set(got) == {1, 3, 4, 5, 6}
    assert got[1]["age"] == pytest.approx(0.40)
    assert (got[1]["gender_code"], got[1]["is_verified"]) == (0.0, 1.0)
    assert got[1]["location"] == pytest.approx(log1p(250))
    assert (got[1]["country"], got[3]["country"], got[3]["location"]) == ("NL", None, 0)
    assert got[1]["account_age_years"] == pytest.approx(8 / 365.25)


def test_a_user_without_history_has_the_defaults_of_the_registry(got: dict[int, dict[str, Any]]) -> None:
    assert numbers(got[3], "user") == pytest.approx(defaults_of("user"))


def test_rates_are_smoothed_counts_of_the_window(got: dict[int, dict[str, Any]]) -> None:
    # The window starts with post 1 on the 5th and ends with the 8th: four days.
    expected = {
        "posts_per_day": log1p(1 / 4),
        "likes_per_day": log1p(2 / 4),
        "comments_per_day": log1p(3 / 4),
        "shares_per_day": log1p(1 / 4),
        "sessions_per_day": log1p(2 / 4),
        "session_hours": 1 / 2,
        # Three views and ten engagements, all on a Saturday and a Sunday; three of them after 18 o'clock.
        "weekend_ratio": (13 + 20 * 2 / 7) / 33,
        "morning_ratio": (20 * 0.25) / 33,
        "evening_ratio": (3 + 20 * 0.25) / 33,
        "mobile_ratio": (2 + 20 * 0.5) / 23,
        "desktop_ratio": (1 + 20 * 0.4) / 23,
        "wifi_ratio": (1 + 20 * 0.5) / 21,
        "like_rate": (2 + 20 * 0.08) / 23,
        "comment_rate": (3 + 20 * 0.02) / 23,
        "share_rate": (1 + 20 * 0.01) / 23,
        "click_rate": (1 + 20 * 0.06) / 23,
        "negative_rate": (1 + 20 * 0.01) / 23,
        "hide_rate": (1 + 20 * 0.0075) / 23,
        "report_rate": (20 * 0.0025) / 23,
        "video_completion_rate": (1 + 20 * 0.2) / 21,
        "dwell_per_post": (16 + 20 * 3.0) / 23,
        "link_engagement_rate": 0.12,
        "page_engagement_rate": (2 + 20 * 0.12) / 22,
        "friend_engagement_rate": (1 + 20 * 0.12) / 21,
        "ad_engagement_rate": (1 + 20 * 0.12) / 21,  # post 1 was shown and liked as an ad, too
        "photo_engagement_rate": (2 + 20 * 0.12) / 22,  # four engagements on two impressions count as two
        "video_engagement_rate": (1 + 20 * 0.12) / 21,
        "received_engagement_rate": (1 + 20 * 0.12) / 21,
        "received_negative_rate": (1 + 20 * 0.01) / 21,
        "received_read_rate": (1 + 20 * 0.15) / 21,
        "authority": 1 / (1 + 1.96**2),  # one view, engaged with
        "usual_session_views": log1p(0.25),
        "usual_session_minutes": log1p(15),
        "usual_new_session": 2 / 3,
        "interest_sports": (5 + 20 * 0.1) / 25,
        "interest_food": (5 + 20 * 0.1) / 25,
        "interest_travel": (20 * 0.1) / 25,
    }
    assert {name: got[4][name] for name in expected} == pytest.approx(expected)


def test_tastes_are_those_of_the_posts_as_they_read_when_the_user_engaged(
    spark: SparkSession, got: dict[int, dict[str, Any]]
) -> None:
    """Four likes and comments on the first text of post 1, one on its second; post 2, shared, was never read."""
    assert got[4]["topic_preference"] == pytest.approx([4 / (5 + 5), *[0.0] * 48, 1 / (5 + 5)])
    sketch = dict(map(tuple, spark.range(10).select("id", sketch_of(F.col("id"))).collect()))
    assert got[4]["creator_affinity"] == pytest.approx((5 * np.array(sketch[9]) + np.array(sketch[4])) / (6 + 5))


def test_onboarding_interests_take_half_of_the_prior(got: dict[int, dict[str, Any]]) -> None:
    assert (got[5]["interest_sports"], got[5]["interest_travel"]) == pytest.approx((0.05 + 0.25, 0.05))


def test_network_counts_the_edges_of_the_instant(got: dict[int, dict[str, Any]]) -> None:
    names = ("log_friends", "log_page_follows", "log_groups", "log_followers")
    assert [got[6][name] for name in names] == pytest.approx([log1p(2), log1p(1), log1p(1), log1p(2)])


def random_rows(seed: int) -> Rows:
    generator = np.random.default_rng(seed)

    def moment() -> dict[str, Any]:
        day, late = int(generator.integers(1, 9)), int(generator.choice([0, 0, 1, 2]))
        return {"day": at(day, int(generator.integers(0, 24))), "received": at(min(day + late, 9), 23, 59)}

    def pick(top: int) -> int:
        return int(generator.integers(1, top))

    rows: Rows = {"users": [], "posts": [], "impressions": [], "engagements": [], "friendships": []}
    for number in range(60):
        t = moment()
        rows["users"].append({"user_id": number, "valid_from": t["day"], "received_at": t["received"]})
        t = moment()
        post = {"post_id": number, "author_id": pick(60), "created_at": t["day"], "received_at": t["received"]}
        rows["posts"].append({**post, "content_type": "photo", "hashtags": ["food"]})
        t = moment()
        edge = {"user_id": pick(60), "friend_id": number, "valid_from": t["day"], "received_at": t["received"]}
        rows["friendships"].append(edge)
    for number in range(300):
        t = moment()
        who = {"user_id": pick(60), "post_id": pick(60), "received_at": t["received"]}
        rows["impressions"].append(
            {**who, "impression_id": f"v{number}", "shown_at": t["day"], "session_id": f"s{number % 7}"}
        )
        kind = str(generator.choice(["like", "comment", "share", "hide"]))
        rows["engagements"].append(
            {**who, "engagement_id": f"e{number}", "engaged_at": t["day"], "engagement_type": kind}
        )
    return rows


def build_both(night: Night) -> None:
    for job in (affinity_features, user_features):
        job.main(night)


def by_day(lake: Lake) -> dict[int, str]:
    days = [row.ds for row in lake.read(user_features.TABLE).select("ds").distinct().collect()]
    return {day.day: checksum(lake.read(user_features.TABLE).where(F.col("ds") == F.lit(day))) for day in days}


@pytest.mark.slow
def test_nights_build_the_backlog_once_rerun_identically_and_let_late_events_touch_what_saw_them(
    lake: Lake, make_night: Callable[..., Night]
) -> None:
    rows = random_rows(6)
    for name, table in rows.items():
        put(lake, f"silver.{name}", table)
    build_both(make_night())
    first = by_day(lake)
    assert set(first) == set(range(1, 9))
    assert lake.read(user_features.TABLE).where("like_rate > 0.09").count() > 10

    # One pass over all days gives what a pass over one day gives.
    assert first[6] == checksum(build(lake.spark, rows, (date(2026, 3, 6),)))

    build_both(make_night())
    assert by_day(lake) == first

    # A like of the 5th that was received after the 8th changes nothing before the 9th; one that was received on the
    # 7th, and was read on the 9th, changes the snapshots of the 7th and 8th.
    known = next(post["post_id"] for post in rows["posts"] if post["received_at"] < at(5))
    for name, moment in {"late": at(9, 1), "delivered late": at(7, 1)}.items():
        put(lake, "silver.engagements", [act(9, "like", known, at(5, 3), received_at=moment)])
        put(lake, "silver.arrivals", [{"source": name, "batch": 1, "num_events": 1, "seen_from": moment.date()}])
    build_both(make_night(date(2026, 3, 9)))
    second = by_day(lake)
    assert {day for day in first if first[day] != second[day]} == {7, 8}


def test_habits_come_from_impressions_whose_device_and_session_are_known(spark: SparkSession) -> None:
    events: list[dict[str, Any]] = [
        {"shown_at": at(8, 1), "session_id": "s", "device": "desktop"},
        {"shown_at": at(8, 2), "session_id": "s", "device": None},
        *({"shown_at": at(8, 3, n), "session_id": None, "device": None} for n in range(20)),
    ]
    views = [{"impression_id": f"v{n}", "user_id": 1, "post_id": 1, **view} for n, view in enumerate(events)]
    views += [{**view, "impression_id": f"w{n}", "user_id": 2} for n, view in enumerate(views[2:])]
    users = [{"user_id": user, "valid_from": at(1)} for user in (1, 2)]
    posts = [{"post_id": 1, "author_id": None, "source_id": None, "created_at": at(5)}]
    rows: Rows = {"users": users, "posts": posts, "impressions": views, "engagements": [act(1, "like", 1, at(8, 4))]}
    got = {row.user_id: row.asDict() for row in build(spark, rows).collect()}
    assert got[1]["desktop_ratio"] == pytest.approx((1 + 20 * 0.4) / 21)
    assert got[1]["mobile_ratio"] == pytest.approx(20 * 0.5 / 21)
    assert got[1]["like_rate"] == pytest.approx((1 + 20 * 0.08) / 42)
    assert got[1]["usual_session_views"] == pytest.approx(log1p(0.5))  # behind the middle one of two
    assert got[1]["usual_new_session"] == pytest.approx(0.5)
    assert got[1]["creator_affinity"] == [0.0] * 8  # nobody knows whose post it was
    silent = ("desktop_ratio", "mobile_ratio", "tablet_ratio", "usual_session_views", "usual_new_session")
    defaults = {feature.name: feature.default for feature in features_of("user")}
    assert {name: got[2][name] for name in silent} == pytest.approx({name: defaults[name] for name in silent})
