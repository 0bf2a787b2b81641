"""A user who may no longer see a post does not see it: on every level, by old cursors, after a rollback."""

import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis
from pyspark.sql import SparkSession

from contracts.redis_keys import NARROWED_KEY, parted_key
from spark_jobs.night.lake import Lake
from spark_jobs.night.night import Night
from spark_jobs.publish import epochs, ledger
from spark_jobs.publish.orders import Order
from spark_jobs.publish.rollback import roll_back
from tests.feature_values import defaults
from tests.feed_rows import AS_OF, DS, hours, put
from tests.nights import Reader, pointer, reader, redis_server
from tests.published_night import prepare, write_audit

ANN, BOB, CAT, DAN, EVE, FAY, CLUB = 1, 2, 3, 4, 5, 6, 80
"""Ann and Dan read; Dan has no pool in the second night, Eve never has one. Fay writes to everybody."""
CLOSED, SHRUNK, EXCEPT, OF_EX, IN_CLUB = range(11, 16)
TO_FRIENDS, OPEN, OPEN_OF_EX = 16, 17, 18
FILLERS = range(20, 23)
GONE = {CLOSED, SHRUNK, EXCEPT, OF_EX, IN_CLUB}
SECOND = [TO_FRIENDS, OPEN, OPEN_OF_EX, *FILLERS]
FIRST = [TO_FRIENDS, *sorted(GONE), OPEN, OPEN_OF_EX, *FILLERS]
NEXT = DS + timedelta(days=1)
EDIT = AS_OF + timedelta(hours=5)
RULES: dict[int, dict[str, Any]] = {
    CLOSED: {"privacy": "public"},
    SHRUNK: {"privacy": "custom", "audience": [ANN, DAN, EVE]},
    EXCEPT: {"privacy": "friends"},
    OF_EX: {"privacy": "friends", "author_id": CAT, "source_id": CAT},
    IN_CLUB: {"privacy": "public", "source_type": "group", "source_id": CLUB},
    TO_FRIENDS: {"privacy": "friends"},
    OPEN: {"privacy": "public"},
    OPEN_OF_EX: {"privacy": "public", "author_id": CAT, "source_id": CAT},
    **{post: {"privacy": "public", "author_id": FAY, "source_id": FAY, "created_at": hours(0.5)} for post in FILLERS},
}
NARROWER: dict[int, dict[str, Any]] = {
    CLOSED: {"privacy": "only_me"},
    SHRUNK: {"privacy": "custom", "audience": [EVE]},
    EXCEPT: {"privacy": "friends_except", "audience": [ANN, DAN]},
}


def post(post_id: int) -> dict[str, Any]:
    return {"post_id": post_id, "author_id": BOB, "source_id": BOB, **RULES[post_id]}


def ranked(user: int, posts: list[int], day: Any) -> list[dict[str, Any]]:
    copied = ("post_id", "author_id", "source_id", "privacy")
    return [
        {name: post(post_id)[name] for name in copied}
        | {"user_id": user, "rank": rank, "value_score": 1.0 / rank, "ds": day}
        | {"source_type": post(post_id).get("source_type", "friend")}
        for rank, post_id in enumerate(posts, 1)
    ]


def write(night: Night, posts: list[dict[str, Any]], pools: list[dict[str, Any]]) -> None:
    put(night.lake, "silver.posts", posts)
    facts = [{"post_id": i, "author_id": post(i)["author_id"], "ds": night.ds} for i in RULES]
    put(night.lake, "gold.post_features", facts)
    vectors = [{**defaults("user"), "user_id": user, "ds": night.ds} for user in (ANN, DAN)]
    put(night.lake, "gold.user_features", vectors)
    put(night.lake, "gold.ranked_feeds", pools)
    write_audit(night)


def ties(ended: Any) -> dict[str, list[dict[str, Any]]]:
    def tie(user: int, other: str, identity: int, end: Any = None) -> dict[str, Any]:
        return {"user_id": user, other: identity, "valid_to": end, "end_known_at": end}

    friends = [(user, friend) for user in (ANN, DAN) for friend in (BOB, CAT)]
    return {
        "silver.friendships": [tie(u, "friend_id", f, ended if f == CAT else None) for u, f in friends],
        "silver.group_memberships": [tie(user, "group_id", CLUB, ended) for user in (ANN, DAN)],
    }


def narrow(night: Night) -> None:
    """The second night: three posts are edited, a friendship and a membership end, Dan gets no pool."""
    now = [
        {**post(i), **NARROWER.get(i, {})}
        | ({"updated_at": EDIT, "version_received_at": EDIT} if i in NARROWER else {})
        for i in RULES
    ]
    old = {"created_at": hours(1), "updated_at": hours(1), "received_at": hours(1), "source_type": "friend"}
    replaced = {"superseded_at": EDIT, "superseded_received_at": EDIT}
    put(night.lake, "silver.post_edits", [{**old, **post(i), **replaced} for i in NARROWER])
    for name, rows in ties(EDIT).items():
        put(night.lake, name, rows)
    write(night, now, ranked(ANN, SECOND, NEXT))


class Seen:
    """What each way to a feed showed: the posts, and who answered."""

    def __init__(self, feed: Reader) -> None:
        self.feed = feed
        self.shown: dict[str, set[int]] = {}

    def ask(self, way: str, user: int, level: str, epoch: int, **query: Any) -> None:
        """The rest of the feed by this query; asserts which level and epoch answered."""
        posts: set[int] = set()
        while True:
            answer: dict[str, Any] = self.feed.feed(user, **query).json()
            metadata = answer["metadata"]
            assert (metadata["served_from"], metadata["epoch"]) == (level, epoch), way
            posts |= {int(found["id"]) for found in answer["posts"]}
            if not answer["has_more"]:
                break
            query["cursor"] = answer["next_cursor"]
        self.shown[way] = posts
        print(f"{way:44} {level:14} epoch {epoch}: {len(posts):2} posts, {len(posts & GONE)} of them narrowed")


def cursor(feed: Reader, user: int, **query: Any) -> str:
    answer = feed.feed(user, count=1, **query).json()
    assert int(answer["posts"][0]["id"]) not in GONE
    return str(answer["next_cursor"])


def wait_for(feed: Reader, epoch: int) -> None:
    deadline = time.monotonic() + 60
    while feed.feed(ANN).json()["metadata"]["epoch"] != epoch:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def shown_to(feed: Reader, user: int) -> set[int]:
    with httpx.Client(timeout=10) as client:
        return {int(found["id"]) for found in feed.whole_feed(user, client)[0]}


@pytest.mark.slow
def test_narrowed(spark: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "redis").mkdir()
    with redis_server(tmp_path / "redis") as url, reader(url, tmp_path / "reader.log") as feed:
        first = prepare(Lake(spark, str(tmp_path / "lake")), tmp_path / "runs", url)
        put(first.lake, "silver.users", [{"user_id": user, "name": f"user {user}"} for user in range(1, 7)])
        put(first.lake, "silver.engagements", [])
        for name, rows in ties(None).items():
            put(first.lake, name, rows)
        write(first, [post(i) for i in RULES], ranked(ANN, FIRST, DS) + ranked(DAN, FIRST, DS))
        epochs.main(first)
        wait_for(feed, 1)
        assert shown_to(feed, ANN) == shown_to(feed, DAN) == set(FIRST)
        assert CLOSED in shown_to(feed, EVE)
        own, newest = cursor(feed, ANN), cursor(feed, ANN, filter="chronological")
        popular, recent = cursor(feed, EVE), cursor(feed, EVE, filter="chronological")

        second = replace(first, ds=NEXT)
        narrow(second)
        epochs.main(second)
        at_once = shown_to(feed, ANN)
        assert not at_once & GONE, "from the next request, even before a reader has seen the flip"
        wait_for(feed, 2)

        seen = Seen(feed)
        seen.ask("a friend's feed", ANN, "redis", 2)
        seen.ask("no pool tonight", DAN, "previous_epoch", 1)
        seen.ask("never a pool", EVE, "popular", 2)
        seen.ask("never a pool, newest first", EVE, "chronological", 2, filter="chronological")
        seen.ask("cursor from before the flip", ANN, "redis", 1, cursor=own)
        seen.ask("the same, newest first", ANN, "redis", 1, cursor=newest, filter="chronological")
        seen.ask("cursor into popular from before the flip", EVE, "popular", 1, cursor=popular)
        seen.ask("cursor into the newest from before", EVE, "chronological", 1, cursor=recent, filter="chronological")

        client = redis.Redis.from_url(url)
        print(f"narrowed: {client.zrange(NARROWED_KEY, 0, -1)}, Ann's ended: {client.zrange(parted_key(ANN), 0, -1)}")
        table = first.lake.path(ledger.TABLE)
        print(roll_back(table, client, Order("ann", "a trial"), first.settings.publish))
        assert pointer(url).stable == 1
        wait_for(feed, 1)
        seen.ask("after a rollback to the first night", ANN, "redis", 1)
        seen.ask("the same for whom had no pool", DAN, "redis", 1)
        seen.ask("the same for whom never had one", EVE, "popular", 1)
        client.shutdown(nosave=True)
        seen.ask("Redis is gone: a public pool from memory", ANN, "popular", 1)

    for way, posts in seen.shown.items():
        assert not posts & GONE, way
        assert {OPEN, OPEN_OF_EX} <= posts, f"{way}: what is open stays"
    for way in ("a friend's feed", "after a rollback to the first night", "the same for whom had no pool"):
        assert TO_FRIENDS in seen.shown[way], f"{way}: what friends may see stays"
