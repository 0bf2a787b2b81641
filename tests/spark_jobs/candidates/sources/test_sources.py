"""The proposals of each source: one small network, one source at a time."""

from collections.abc import Callable
from dataclasses import replace
from math import log1p
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from contracts.features import TOPICS
from contracts.settings import CandidateLimits, FanOut, Settings
from spark_jobs.candidates import feed_candidates
from spark_jobs.night.night import Night
from tests.feed_rows import DS, MemoryLake, hours, keep

ANN, BOB, CAT, STAR = 1, 2, 3, 4
NONE = CandidateLimits(friend=0, page=0, group=0, taste=0, circle=0, new=0, newcomer=0, popular=0)


def post(
    post_id: int, topic: str = "food", author: int = STAR, **columns: Any
) -> tuple[dict[str, Any], dict[str, Any]]:
    """A post, and its features: ``rate`` and what begins with ``log_`` go there."""
    rate, views = columns.pop("rate", 0.1), columns.pop("log_views", 9.0)
    counts = {name: columns.pop(name) for name in list(columns) if name.startswith("log_")}
    read = [float(name == topic) for name in TOPICS]
    about = {"post_id": post_id, "author_id": author, "engagement_rate": rate, "log_views": views, "read_topics": read}
    about |= counts
    return {"post_id": post_id, "author_id": author, "source_id": author, **columns}, about


def taste(user: int, **interests: float) -> dict[str, Any]:
    return {"user_id": user, **{f"interest_{topic}": weight for topic, weight in interests.items()}}


def liked(user: int | None, post_id: int, ago_h: float = 2, kind: str = "like") -> dict[str, Any]:
    at = hours(ago_h)
    row = {"engagement_id": f"{user}-{post_id}", "user_id": user, "post_id": post_id, "engagement_type": kind}
    return {**row, "engaged_at": at, "received_at": at, "event_date": at.date()}


def shown(user: int, post_id: int, ago_h: float = 2) -> dict[str, Any]:
    at = hours(ago_h)
    row = {"impression_id": f"{user}-{post_id}", "user_id": user, "post_id": post_id, "event_date": at.date()}
    return {**row, "shown_at": at, "received_at": at}


Offered = Callable[..., dict[int, list[int]]]


@pytest.fixture
def offered(spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Offered:
    """Candidates of each user, given the limits of a night and its tables."""
    monkeypatch.setattr(feed_candidates, "write_partition", keep)

    def run(
        limits: dict[str, int],
        posts: list[tuple[dict[str, Any], dict[str, Any]]],
        fan_out: FanOut | None = None,
        **tables: list[dict[str, Any]],
    ) -> dict[int, list[int]]:
        rows = {
            "silver.users": [{"user_id": user, "name": str(user)} for user in (ANN, BOB, CAT, STAR)],
            "silver.posts": [row for row, _ in posts],
            "gold.post_features": [about for _, about in posts],
            **{name.replace("__", "."): value for name, value in tables.items()},
        }
        lake = MemoryLake(spark, "memory", rows)
        settings = Settings(candidates=replace(NONE, **limits), fan_out=fan_out or FanOut())
        feed_candidates.main(Night(lake, DS, "", tmp_path, settings))
        found: dict[int, list[int]] = {}
        for row in sorted(lake.written, key=lambda row: row.post_id):
            found.setdefault(row.user_id, []).append(row.post_id)
        return found

    return run


def test_taste_offers_each_user_what_they_like_and_have_not_seen(offered: Offered) -> None:
    posts = [post(n, "food", rate=0.1 + n / 1000) for n in (11, 12, 13)] + [post(n, "sports") for n in (21, 22)]
    posts.append(post(14, "food", rate=0.9, privacy="friends"))
    tastes = [taste(ANN, food=0.9, sports=0.1), taste(BOB, food=0.1, sports=0.9), taste(99, food=1.0)]
    found = offered({"taste": 2}, posts, gold__user_features=tastes, silver__impressions=[shown(ANN, 13)])
    assert found == {ANN: [11, 12], BOB: [21, 22]}, "13 is the best of food, and seen; nobody is user 99"


def test_new_posts_are_offered_by_taste_while_few_have_seen_them(offered: Offered) -> None:
    posts = [
        post(11, "food", log_views=0.0),
        post(12, "food", log_views=0.0, created_at=hours(25)),
        post(13, "food", log_views=5.0),
        post(21, "sports", log_views=1.0),
    ]
    tastes = [taste(ANN, food=0.9), taste(BOB, sports=0.9)]
    assert offered({"new": 1}, posts, gold__user_features=tastes) == {ANN: [11], BOB: [21]}


def test_of_new_posts_those_of_good_creators_come_first_and_a_new_creator_is_usual(offered: Offered) -> None:
    seen, few = log1p(90), log1p(0)
    posts = [
        post(11, author=11, log_views=few),
        post(12, author=12, log_views=few),
        post(13, author=13, log_views=few),
        post(31, author=11, log_views=seen, log_likes=log1p(40), created_at=hours(30)),
        post(32, author=12, log_views=seen, created_at=hours(30)),
    ]
    tastes = [taste(ANN, food=0.5)]
    found = [offered({"new": most}, posts, gold__user_features=tastes)[ANN] for most in (1, 2)]
    assert found == [[11], [11, 13]], "12 is by whom nobody answers, and 13 by whom nobody has met"


def test_newcomers_are_offered_what_people_like_them_answer_and_what_they_chose(offered: Offered) -> None:
    posts = [post(n, "food", log_views=log1p(200), log_likes=log1p(20)) for n in (11, 12)]
    posts.append(post(21, "sports", log_views=log1p(200), log_likes=log1p(20)))
    posts.append(post(13, "food", log_views=log1p(200), log_likes=log1p(30)))
    about = {"gender": None, "country": "BR", "birth_year": 2001}
    users = [
        {"user_id": ANN, "name": "a", **about, "interests": ["sports"]},
        {"user_id": BOB, "name": "b", **about, "country": "DE"},
        {"user_id": CAT, "name": "c", **about},
    ]
    like_ann = range(50, 70)
    acts = [liked(CAT, 12, ago_h=n) | {"engagement_id": f"c{n}"} for n in range(1, 6)]
    acts += [liked(user, 12) for user in like_ann]
    users += [{"user_id": user, "name": str(user), **about} for user in like_ann]
    views = [shown(user, 12) for user in like_ann]
    tables = {"silver__users": users, "silver__engagements": acts, "silver__impressions": views}
    found = offered({"newcomer": 2}, posts, **tables)
    assert found[BOB] == [11, 13], "of another country: what is best everywhere"
    assert found[ANN] == [12, 21], "what people like her answer, and sports, which she chose"
    assert CAT not in found, "has answered five times"
    assert 12 not in found[50], "has seen it"


def test_circle_offers_what_the_community_answers(offered: Offered) -> None:
    together = [{"user_id": user, "community_id": 1} for user in (ANN, BOB)] + [{"user_id": CAT, "community_id": 3}]
    acts = [
        liked(BOB, 11),
        liked(ANN, 12),
        liked(BOB, 12),
        liked(CAT, 13),
        liked(None, 14),
        liked(BOB, 15, kind="hide"),
    ]
    acts.append(liked(BOB, 16, ago_h=80))
    posts = [post(n) for n in (11, 12, 13, 14, 15, 16)]
    tables = {"gold__communities": together, "silver__engagements": acts}
    found = offered({"circle": 1}, posts, **tables)
    assert found == {ANN: [12], BOB: [12], CAT: [13]}, "two answered 12, one 11, and 16 long ago"


def test_popular_is_what_answers_best_per_view_not_most(offered: Offered) -> None:
    posts = [post(11, rate=0.3), post(12, rate=0.2)]
    posts[1][1]["log_likes"] = 2.0
    found = offered({"popular": 1}, posts)
    assert found == {user: [11] for user in (ANN, BOB, CAT)}, "and nobody is offered their own"


def test_a_group_offers_its_best_and_no_more(offered: Offered) -> None:
    posts = [post(n, source_type="group") for n in range(11, 16)]
    for likes, (row, about) in enumerate(posts):
        row["source_id"], about["log_likes"] = 20, float(likes)
    member = [{"user_id": ANN, "group_id": 20}]
    settings = {"group": 9, "per_group": 2}
    assert offered(settings, posts, silver__group_memberships=member) == {ANN: [14, 15]}


@pytest.mark.slow
def test_the_more_friends_an_author_has_the_less_of_theirs_is_fanned_out(offered: Offered) -> None:
    posts = [post(11, created_at=hours(60)), post(12, created_at=hours(50)), post(13, created_at=hours(2))]
    friends = [{"user_id": user, "friend_id": STAR} for user in (ANN, BOB, CAT)]
    tables = {"silver__friendships": friends, "silver__impressions": [shown(ANN, 99), shown(CAT, 99, ago_h=24 * 8)]}

    def fan_out(many: int, very_many: int) -> dict[int, list[int]]:
        rules = FanOut(many, very_many, posts_of_many=2, posts_of_very_many=2, days_of_very_many=1)
        return offered({"friend": 9}, posts, fan_out=rules, **tables)

    assert fan_out(3, 9) == {user: [11, 12, 13] for user in (ANN, BOB, CAT)}
    assert fan_out(2, 9) == {ANN: [12, 13]}, "the newest two, to those who were present in seven days"
    assert fan_out(1, 2) == {ANN: [13]}, "of one day"
