import json
import math
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import Row, SparkSession

from contracts.settings import CandidateLimits, Dataset, Settings
from spark_jobs.candidates import feed_candidates
from spark_jobs.night.lake import Lake, checksum
from spark_jobs.night.night import Night
from tests.feed_rows import AS_OF, DS, LONG_AGO, MemoryLake, hours, keep, put

ANN, BOB, CAT, DAN, COLD = 1, 2, 3, 4, 5
UNKNOWN_TASTES = Settings(candidates=CandidateLimits(taste=0, circle=0, new=0, newcomer=0))
"""What finds nothing here is not asked."""
PAGE, GROUP, OTHER_GROUP = 10, 20, 21


def post(post_id: int, author: int | None, likes: int = 0, **columns: Any) -> tuple[dict[str, Any], int]:
    return {"post_id": post_id, "author_id": author, "source_id": author, **columns}, likes


POSTS = [
    post(101, BOB, likes=3, privacy="friends"),
    post(102, BOB, likes=5),
    post(103, BOB, privacy="only_me"),
    post(104, BOB, is_deleted=True),
    post(105, BOB, created_at=hours(73)),
    post(106, CAT, likes=9),
    post(107, CAT, source_type="page", source_id=PAGE, likes=1, created_at=hours(10)),
    post(108, CAT, source_type="group", source_id=GROUP, likes=50),
    post(109, CAT, source_type="group", source_id=OTHER_GROUP, likes=60),
    post(110, ANN, likes=2),
    post(111, DAN, likes=7),
    post(112, BOB, received_at=AS_OF),
    post(113, BOB, created_at=AS_OF),
]


def edge(user: int, key: str, other: int, **times: Any) -> dict[str, Any]:
    return {"user_id": user, key: other, **times}


def tables() -> dict[str, list[dict[str, Any]]]:
    # Features of every post, also of those that must not be proposed.
    counts = [{"post_id": row["post_id"], "author_id": 0, "log_likes": math.log1p(likes)} for row, likes in POSTS]
    ties = [
        {"user_id": ANN, "author_id": BOB, "is_friend": 1.0},
        {"user_id": ANN, "author_id": CAT, "log_interactions": math.log1p(20)},
    ]
    friends = [edge(ANN, "friend_id", BOB), edge(BOB, "friend_id", ANN), edge(ANN, "friend_id", DAN, valid_to=hours(1))]
    return {
        "silver.users": [{"user_id": user, "name": str(user)} for user in (ANN, BOB, CAT, DAN, COLD)],
        "silver.posts": [row for row, _ in POSTS],
        "gold.post_features": counts,
        "gold.affinity_features": ties,
        "silver.friendships": friends,
        "silver.page_follows": [edge(ANN, "page_id", PAGE), edge(BOB, "page_id", PAGE, valid_to=hours(1))],
        "silver.group_memberships": [edge(ANN, "group_id", GROUP), edge(BOB, "group_id", GROUP, valid_to=hours(1))],
        "silver.blocks": [edge(DAN, "blocked_id", BOB)],
    }


Build = Callable[..., dict[tuple[int, int], Row]]


@pytest.fixture
def build(spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Build:
    monkeypatch.setattr(feed_candidates, "write_partition", keep)

    def run(settings: Settings | None = None, **changed: list[dict[str, Any]]) -> dict[tuple[int, int], Row]:
        rows = tables() | {name if "." in name else f"silver.{name}": value for name, value in changed.items()}
        lake = MemoryLake(spark, "memory", rows)
        feed_candidates.main(Night(lake, DS, "", tmp_path, settings or UNKNOWN_TASTES))
        return {(row.user_id, row.post_id): row for row in lake.written}

    return run


def posts_of(rows: dict[tuple[int, int], Row], user: int) -> set[int]:
    return {post_id for owner, post_id in rows if owner == user}


def test_every_source_proposes_what_its_user_may_see(build: Build) -> None:
    rows = build()
    assert posts_of(rows, ANN) == {101, 102, 106, 107, 108, 111}
    assert posts_of(rows, BOB) == {106, 107, 110}  # left the group; blocked by Dan, whose post 111 is public
    assert posts_of(rows, DAN) == {106, 107, 110}  # blocks Bob; no longer a friend of Ann
    assert posts_of(rows, COLD) == {102, 106, 107, 110, 111}
    sources = {post_id: list(rows[ANN, post_id].sources) for post_id in posts_of(rows, ANN)}
    assert sources == {
        101: ["friend"],
        102: ["friend", "popular"],
        106: ["popular"],
        107: ["page", "popular"],
        108: ["group"],
        111: ["popular"],
    }
    assert {post_id: rows[ANN, post_id].source_type for post_id in (102, 107, 108)} == {
        102: "friend",
        107: "page",
        108: "group",
    }
    assert rows[ANN, 107].source_id == PAGE
    assert rows[ANN, 107].author_id == CAT
    assert all(row.ds == DS for row in rows.values())

    friend = 0.3 * math.exp(-0.1) + 0.4 * math.log(1 + 5) + 0.3 * 1
    regular = 0.3 * math.exp(-1.0) + 0.4 * math.log(1 + 1) + 0.3 * (20 / 40)
    stranger = 0.3 * math.exp(-0.1) + 0.4 * math.log(1 + 7)
    assert rows[ANN, 102].simple_score == pytest.approx(friend, rel=1e-6)
    assert rows[ANN, 107].simple_score == pytest.approx(regular, rel=1e-6)
    assert rows[ANN, 111].simple_score == pytest.approx(stranger, rel=1e-6)


def test_seen_and_hidden_posts_are_left_out(build: Build) -> None:
    def shown(post_id: int, **columns: Any) -> dict[str, Any]:
        moment = columns.pop("shown_at", hours(2))
        usual = {"impression_id": f"{post_id}", "user_id": ANN, "post_id": post_id, "received_at": moment}
        return {**usual, "shown_at": moment, "event_date": moment.date(), **columns}

    def rejected(post_id: int, kind: str, user: int | None, **columns: Any) -> dict[str, Any]:
        usual = {"engagement_id": f"{post_id}", "user_id": user, "post_id": post_id, "engagement_type": kind}
        return {**usual, "engaged_at": hours(3), "received_at": hours(3), "event_date": DS, **columns}

    shown_rows = [
        shown(101),
        shown(102, shown_at=AS_OF - timedelta(days=8)),
        shown(106, received_at=AS_OF),
        shown(107, user_id=BOB),
    ]
    rejections = [rejected(108, "hide", ANN), rejected(111, "report", ANN), rejected(106, "report", None)]
    rows = build(impressions=shown_rows, engagements=[*rejections, rejected(102, "like", ANN)])
    assert posts_of(rows, ANN) == {102, 106, 107}
    assert posts_of(rows, BOB) == {106, 110}
    assert posts_of(rows, COLD) == {102, 106, 107, 110, 111}


def test_without_impressions_a_post_is_seen_by_whoever_did_anything_with_it(build: Build) -> None:
    def did(post_id: int, kind: str, moment: Any = None, **columns: Any) -> dict[str, Any]:
        at = moment or hours(2)
        usual = {"engagement_id": f"{post_id}{kind}", "user_id": ANN, "post_id": post_id, "engagement_type": kind}
        return {**usual, "engaged_at": at, "received_at": at, "event_date": at.date(), **columns}

    acts = [
        did(101, "view"),
        did(102, "like", AS_OF - timedelta(days=8)),
        did(106, "comment", received_at=AS_OF),
        did(107, "bookmark"),
        did(108, "dwell", AS_OF - timedelta(days=6, hours=23)),
        did(111, "like", user_id=None),
    ]
    unlogged = Settings(dataset=Dataset(has_impressions=False))
    assert posts_of(build(unlogged, engagements=acts), ANN) == {102, 106, 111}
    # Where impressions are logged, they say what was seen.
    assert posts_of(build(engagements=acts), ANN) == {101, 102, 106, 107, 108, 111}


def test_a_post_of_an_unknown_author_is_offered_by_its_page_and_to_everyone_and_by_no_friend(build: Build) -> None:
    rows = [post(201, None)[0], post(202, None, source_type="page", source_id=PAGE)[0]]
    counted = [{"post_id": 201, "log_likes": 3.0}, {"post_id": 202, "log_likes": 2.0}]
    found = build(posts=rows, **{"gold.post_features": counted})
    assert {key: list(row.sources) for key, row in found.items() if key[0] in (ANN, COLD)} == {
        (ANN, 201): ["popular"],
        (ANN, 202): ["page", "popular"],
        (COLD, 201): ["popular"],
        (COLD, 202): ["popular"],
    }
    assert {(row.author_id, row.source_id) for row in found.values()} == {(None, None), (None, PAGE)}


def test_bookmarks_and_views_weigh_in_the_simple_score(build: Build) -> None:
    counts = [{"post_id": 106, "author_id": CAT, "log_likes": math.log1p(9), "num_bookmarks": 3, "num_opens": 40}]
    found = build(**{"gold.post_features": counts})
    stranger = 0.3 * math.exp(-0.1) + 0.4 * math.log(1 + 9 + 2 * 3 + 0.1 * 40)
    assert found[COLD, 106].simple_score == pytest.approx(stranger, rel=1e-6)


def test_limits_keep_the_best_with_stable_ties(build: Build) -> None:
    rows = build(Settings(candidates=CandidateLimits(friend=1, page=1, group=1, newcomer=0, popular=2)))
    # Popular: 106 (9 likes) and 111 (7). The newest post of a friend is a tie on time: the smaller id wins.
    assert posts_of(rows, COLD) == {106, 111}
    assert posts_of(rows, ANN) == {101, 106, 107, 108, 111}


def refuted(post_id: int) -> dict[str, Any]:
    known = {"updated_at": hours(2), "received_at": hours(2), "labeller_id": "c", "labeller_type": "fact_checker"}
    return {"post_id": post_id, "label": "misinformation", "value": True, **known}


def test_what_policy_keeps_from_a_user_leaves_its_place_to_the_next(build: Build, tmp_path: Path) -> None:
    pages = [edge(user, "page_id", PAGE) for user in (ANN, BOB)]
    # Best first: 303 is refuted, 302 is NSFW, which only Ann asks to hide, 301 and 300 are harmless.
    rows = [post(301 + n, CAT, source_type="page", source_id=PAGE)[0] for n in (-1, 0, 1, 2)]
    counts = [{"post_id": row["post_id"], "log_likes": math.log1p(10 * row["post_id"])} for row in rows]
    users = [{"user_id": ANN, "name": "", "feed_preferences": ["hide_nsfw"]}, {"user_id": BOB, "name": ""}]
    risks = [{"post_id": 302, "nsfw": 0.5, "text_at": hours(1)}]
    found = build(
        Settings(candidates=CandidateLimits(friend=0, page=1, group=0, newcomer=0, popular=2)),
        users=users,
        posts=rows,
        page_follows=pages,
        content_labels=[refuted(303)],
        **{"gold.post_features": counts, "gold.content_risks": risks},
    )
    assert {key: list(row.sources) for key, row in found.items()} == {
        (ANN, 301): ["page", "popular"],
        (ANN, 300): ["popular"],
        (BOB, 302): ["page", "popular"],
        (BOB, 301): ["popular"],
    }
    record = json.loads((tmp_path / DS.isoformat() / "policy.json").read_text())
    # Each of both is refused 303 by the page and by the popular, and Ann 302.
    assert record == {
        "ds": "2026-03-08",
        "proposals": 6 + 6,
        "removed": {"fact_checked": 4, "hide_clickbait": 0, "hide_nsfw": 2, "hide_misinformation": 0},
        "flagged": {"fact_checked": 1, "hide_clickbait": 0, "hide_nsfw": 1, "hide_misinformation": 1},
        "asked": {"fact_checked": 2, "hide_clickbait": 0, "hide_nsfw": 1, "hide_misinformation": 0},
    }


def test_unknown_users_get_nothing_and_known_ones_at_most_the_total(build: Build) -> None:
    late = {"user_id": 9, "name": "late", "valid_from": LONG_AGO, "received_at": AS_OF}
    future = {"user_id": 8, "name": "future", "valid_from": AS_OF, "received_at": LONG_AGO}
    users = [late, future, {"user_id": COLD, "name": "cold"}]
    settings = Settings(candidates=CandidateLimits(total=2), dataset=Dataset(candidate_hours=74))
    assert set(build(settings, users=users)) == {(COLD, 106), (COLD, 111)}


def test_a_longer_window_reaches_older_posts(build: Build) -> None:
    assert 105 in posts_of(build(Settings(dataset=Dataset(candidate_hours=74))), ANN)


@pytest.mark.slow
def test_running_twice_gives_the_same_table(lake: Lake, make_night: Callable[..., Night], spark: SparkSession) -> None:
    for name, rows in tables().items():
        put(lake, name, rows)
    night = make_night()
    feed_candidates.main(night)
    first = checksum(night.read("gold.feed_candidates"))
    spark.conf.set("spark.sql.shuffle.partitions", "3")
    try:
        feed_candidates.main(night)
    finally:
        spark.conf.set("spark.sql.shuffle.partitions", "4")
    assert checksum(night.read("gold.feed_candidates")) == first
    assert night.read("gold.feed_candidates").count() > 10


def test_new_users_who_engage_little_raise_an_alert(build: Build, tmp_path: Path) -> None:
    def log(user: int, post_id: int, ago_h: float, **more: Any) -> dict[str, Any]:
        at = hours(ago_h)
        return {"user_id": user, "post_id": post_id, "event_date": at.date(), "received_at": at, **more}

    def seen(user: int, post_id: int) -> dict[str, Any]:
        return log(user, post_id, 5, shown_at=hours(5), impression_id=f"{user}-{post_id}")

    def did(user: int, post_id: int, ago_h: float) -> dict[str, Any]:
        act = {"engagement_id": f"{user}-{post_id}-{ago_h}", "engagement_type": "like", "engaged_at": hours(ago_h)}
        return log(user, post_id, ago_h, **act)

    views = [seen(user, post_id) for user in (ANN, COLD) for post_id in range(500, 510)]
    known = [did(ANN, 900 + n, 30) for n in range(5)] + [did(ANN, 500, 4), did(ANN, 501, 4)]
    acts = [did(COLD, 500, 4), *known, *(did(COLD, 900 + n, 3) for n in range(5))]
    sentences = []
    for engagements in (known, acts):
        build(impressions=views, engagements=engagements)
        sentences.append(json.loads((tmp_path / DS.isoformat() / "notes" / "gold.feed_candidates.json").read_text())[1])
    of_none, of_one = "1 new users answered 0.00% of what they saw yesterday", "1 new users answered 10.00%"
    assert sentences[0] == f"ALERT: {of_none}, 0% of the average, where 50% are expected."
    assert sentences[1].startswith(of_one)
    assert sentences[1].endswith("67% of the average.")
