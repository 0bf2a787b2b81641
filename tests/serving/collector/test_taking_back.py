"""What a user takes back: a like, a hide, a comment, a post of their own."""

import json
from typing import Any

import pytest

from contracts.collector_keys import STREAM
from contracts.pointer import Canary, Pointer
from contracts.redis_keys import card_key, hidden_key
from tests.serving.collector.collector_world import Client, OpenCollector, engagement, lines_in
from tests.serving.reader_world import GENERATED_AT, OpenReader, RedisServer, Seed, card_of

NOON = "2026-03-08T12:00:00.250000Z"
POST = {"text": "hello", "privacy": "public"}


def events_of(server: RedisServer) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines_in(server)]


@pytest.mark.parametrize(("path", "kind"), [("like", "unlike"), ("hide", "unhide")])
async def test_an_act_taken_back_is_an_engagement(
    event_redis: RedisServer, open_collector: OpenCollector, path: str, kind: str
) -> None:
    async with open_collector() as client:
        answers = [await client.delete(f"/api/v1/posts/-9/{path}", key=key) for key in ("a", "a", "b")]
        without = await client.delete(f"/api/v1/posts/-9/{path}", key=None)
    assert [answer.json() for answer in answers] == [
        {"event_id": f"17:{kind}:-9:{key}", "stats": None} for key in ("a", "a", "b")
    ]
    assert without.status_code == 400
    first, second = events_of(event_redis)
    assert second["event_id"] == f"17:{kind}:-9:b"
    assert first == {
        "event_id": f"17:{kind}:-9:a", "event_type": "engagement", "event_time": NOON, "received_at": NOON,
        "user_id": 17, "post_id": -9, "engagement_type": kind,
    }  # fmt: skip


async def test_a_comment_is_taken_back_once_by_who_made_it(
    event_redis: RedisServer, open_collector: OpenCollector
) -> None:
    async with open_collector() as client:
        made = (await client.post("/api/v1/posts/42/comments", {"text": "well"}, key="c1")).json()["event_id"]
        for _ in range(2):
            answer = await client.delete(f"/api/v1/posts/42/comments/{made}", key=None)
            assert answer.json() == {"event_id": "17:uncomment:42:c1", "stats": None}
        for post, comment, user in ((42, made, 18), (43, made, 17), (42, "17:comment:42:a b", 17)):
            refused = await client.delete(f"/api/v1/posts/{post}/comments/{comment}", user, key=None)
            assert (refused.status_code, refused.json()["refused"][0]["rule"]) == (400, "not_your_comment")
    assert [line["engagement_type"] for line in events_of(event_redis)] == ["comment", "uncomment"]
    assert events_of(event_redis)[1]["comment_id"] == made


async def test_a_hide_taken_back_shows_the_post_again_and_a_late_retry_does_not(
    event_redis: RedisServer, redis_server: RedisServer, open_collector: OpenCollector
) -> None:
    assert not event_redis.client.exists(STREAM)

    def hidden() -> set[bytes]:
        found: set[bytes] = redis_server.client.smembers(hidden_key(17))
        return found

    async with open_collector(serving=redis_server) as client:
        await client.post("/api/v1/posts/8/hide", key="h1")
        await client.delete("/api/v1/posts/8/hide", key="u1")
        assert hidden() == set()
        await client.post("/api/v1/posts/8/hide", key="h2")
        await client.delete("/api/v1/posts/8/hide", key="u1")
        assert hidden() == {b"8"}
        done = [(0, "hide"), (0, "unhide"), (8, "unhide"), (9, "hide")]
        events = [engagement(n, post_id=post, engagement_type=kind) for n, (post, kind) in enumerate(done)]
        assert (await client.send(*events)).json() == {"accepted": 4, "new": 4}
        assert hidden() == {b"9"}


async def test_a_like_taken_back_answers_the_counts_of_the_card(
    event_redis: RedisServer, redis_server: RedisServer, open_collector: OpenCollector
) -> None:
    assert not event_redis.client.exists(STREAM)
    redis_server.client.set(card_key(3, 8), card_of(Seed(8), 3))
    redis_server.flip(3)
    async with open_collector(serving=redis_server) as client:
        liked = (await client.post("/api/v1/posts/8/like")).json()["stats"]
        unliked = (await client.delete("/api/v1/posts/8/like")).json()["stats"]
    assert (liked["likes"], unliked["likes"]) == (2, 1)


async def test_a_deleted_post_is_in_no_feed_from_the_next_request_on(
    event_redis: RedisServer, redis_server: RedisServer, open_collector: OpenCollector, open_reader: OpenReader
) -> None:
    posts = [Seed(n, author_id=author) for n, author in ((1, 17), (2, 18), (3, 17))]
    for user in (17, 30):
        redis_server.write_user(3, user, posts)
    redis_server.write_public(3, "popular", posts)
    redis_server.flip(3)

    async def delete(client: Client, post_id: int, **more: Any) -> tuple[int, Any]:
        answer = await client.delete(f"/api/v1/posts/{post_id}", key=None, **more)
        return answer.status_code, answer.json()

    async with open_reader() as reader, open_collector(serving=redis_server) as client:
        assert await reader.ids(30) == await reader.ids(999) == [1, 2, 3]
        assert await delete(client, 1) == (200, {"event_id": "17:delete:1", "withdrawn": True})
        for user in (17, 30, 999):
            assert await reader.ids(user) == [2, 3]
        assert await delete(client, 1) == (200, {"event_id": "17:delete:1", "withdrawn": True})
        status, refused = await delete(client, 2)
        assert (status, refused["refused"][0]["rule"]) == (400, "not_your_post")
        assert await reader.ids(30) == [2, 3]
    (line,) = events_of(event_redis)
    assert (line["event_type"], line["post_id"], line["event_time"]) == ("post_deleted", 1, NOON)
    assert "user_id" not in line


async def test_a_post_that_no_feed_has_yet_is_deleted_with_its_key(
    event_redis: RedisServer, redis_server: RedisServer, open_collector: OpenCollector
) -> None:
    redis_server.point(Pointer(3, 2, GENERATED_AT, Canary(4, 0.1)))
    async with open_collector(serving=redis_server) as client:
        made = (await client.post("/api/v1/posts", POST, key="p1")).json()["post_id"]
        path = f"/api/v1/posts/{made}"
        for parameters, user in (({}, 17), ({"made_with": "p2"}, 17), ({"made_with": "p1"}, 18)):
            refused = await client.delete(path, user, key=None, **parameters)
            assert (refused.status_code, refused.json()["refused"][0]["rule"]) == (400, "not_your_post")
        assert (await client.delete(path, key=None, made_with="p1")).json()["withdrawn"] is True
        assert redis_server.client.smembers("takedown") == {made.encode()}
        redis_server.client.set(card_key(4, 9), card_of(Seed(9, author_id=17), 4))
        assert (await client.delete("/api/v1/posts/9", key=None)).json()["withdrawn"] is True  # only the canary has it
        redis_server.client.set("epoch:pointer", b"\xff")
        unknown = await client.delete("/api/v1/posts/10", key=None)
        assert (unknown.status_code, unknown.headers["retry-after"]) == (503, "2")
    async with open_collector() as client:
        alone = await client.delete(path, key=None, made_with="p1")
        assert alone.json() == {"event_id": f"17:delete:{made}", "withdrawn": False}
    assert [line["event_type"] for line in events_of(event_redis)] == ["post_created", "post_deleted", "post_deleted"]


@pytest.mark.parametrize("path", ["posts/9223372036854775808", "posts/x", "posts/7/like", "posts/7/comments/x"])
async def test_a_wrong_id_or_nobody_is_refused(
    event_redis: RedisServer, open_collector: OpenCollector, path: str
) -> None:
    async with open_collector() as client:
        if path != "posts/7/like":
            assert (await client.delete(f"/api/v1/{path}", key=None)).status_code == 400
        assert (await client.http.delete(f"/api/v1/{path}", headers={"Idempotency-Key": "k"})).status_code == 401
    assert event_redis.client.exists(STREAM) == 0
