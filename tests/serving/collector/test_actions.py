"""Routes of engagements and posts: which event a short body becomes."""

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.collector_keys import STREAM
from contracts.epochs import MAX_READ_MEMBERS
from serving.collector.actions import hashtags_of, mentions_of
from tests.serving.collector.collector_world import NOW, OpenCollector, lines_in
from tests.serving.reader_world import RedisServer, Seed, card_of

NOON = "2026-03-08T12:00:00.250000Z"


def only_line(server: RedisServer) -> dict[str, Any]:
    (line,) = lines_in(server)
    event: dict[str, Any] = json.loads(line)
    return event


@pytest.mark.parametrize(
    ("path", "action", "body"),
    [
        ("like", "like", b""),
        ("share", "share", {"impression_id": "17:i"}),
        ("hide", "hide", {}),
        ("report", "report", {"detail": "spam"}),
        ("comments", "comment", {"text": "well said"}),
    ],
)
async def test_an_action_is_an_engagement(
    event_redis: RedisServer, open_collector: OpenCollector, path: str, action: str, body: Any
) -> None:
    async with open_collector() as client:
        answer = await client.post(f"/api/v1/posts/-9/{path}", body)
    event_id = f"17:{action}:-9:k1"
    assert (answer.status_code, answer.json()) == (200, {"event_id": event_id, "stats": None})
    envelope = {"event_id": event_id, "event_type": "engagement", "event_time": NOON, "received_at": NOON}
    fields = {"user_id": 17, "post_id": -9, "engagement_type": action}
    assert only_line(event_redis) == envelope | fields | (body or {})


async def test_a_key_is_for_one_request(event_redis: RedisServer, open_collector: OpenCollector) -> None:
    async with open_collector() as client:
        for path, key in (("7/like", "a"), ("7/like", "a"), ("7/like", "b"), ("8/like", "a"), ("7/share", "a")):
            assert (await client.post(f"/api/v1/posts/{path}", key=key)).status_code == 200
        for wrong in (None, "", "a b", "x" * 65):
            answer = await client.post("/api/v1/posts/7/like", key=wrong)
            assert (answer.status_code, "Idempotency-Key" in answer.json()["detail"]) == (400, True)
    assert len(lines_in(event_redis)) == 4


WRONG_BODIES: list[tuple[str, Any, str | None, str]] = [
    ("7/like", b"[]", None, "not_an_object"),
    ("7/like", b"{", None, "malformed_json"),
    ("7/like", {"user_id": 18}, "user_id", "field_not_taken"),
    ("7/like", {"text": "x"}, "text", "field_not_taken"),
    ("7/like", {"detail": 7}, "detail", "wrong_type"),
    ("7/comments", b"", "text", "text_missing"),
    ("7/comments", {"text": ""}, "text", "text_missing"),
    ("7/comments", {"text": 7}, "text", "wrong_type"),
    ("9223372036854775808/like", b"", "post_id", "wrong_type"),
]


@pytest.mark.parametrize("wrong", WRONG_BODIES)
async def test_a_wrong_body_is_named(
    event_redis: RedisServer, open_collector: OpenCollector, wrong: tuple[str, Any, str | None, str]
) -> None:
    path, body, field, rule = wrong
    async with open_collector() as client:
        answer = await client.post(f"/api/v1/posts/{path}", body)
    assert answer.status_code == 400
    assert [(one["field"], one["rule"]) for one in answer.json()["refused"]] == [(field, rule)]
    assert event_redis.client.exists(STREAM) == 0


async def test_a_post_is_made_once(event_redis: RedisServer, open_collector: OpenCollector) -> None:
    body = {"text": "Sunday #food with @1000154\n#Food", "privacy": "friends_except", "audience": [1000160]}
    async with open_collector() as client:
        first = await client.post("/api/v1/posts", json.dumps(body, indent=1).encode())
        again = await client.post("/api/v1/posts", body)
        other = await client.post("/api/v1/posts", body, user_id=18)
    answer = first.json()
    assert (first.status_code, again.status_code, again.json()) == (201, 201, answer)
    assert (answer["hashtags"], answer["mentions"]) == (["food", "Food"], ["1000154"])
    assert other.json()["post_id"] != answer["post_id"]
    line = json.loads(lines_in(event_redis)[0])
    assert (line["event_type"], line["post_id"], line["author_id"]) == ("post_created", int(answer["post_id"]), 17)
    assert (line["created_at"], line["source_type"], line["content_type"]) == (NOON, "friend", "status")
    assert (line["text"], line["privacy"], line["audience"]) == (body["text"], "friends_except", [1000160])
    assert len(lines_in(event_redis)) == 2


@pytest.mark.parametrize(
    ("changes", "field", "rule"),
    [
        ({"privacy": "everyone"}, "privacy", "value_not_allowed"),
        ({"privacy": None}, "privacy", "missing_field"),
        ({"text": "x" * 63_207}, "text", "value_out_of_range"),
        ({"text": None}, "text", "text_missing"),
        ({"content_type": "photo"}, "content_type", "value_not_allowed"),
        ({"source_type": "page"}, "source_type", "field_not_taken"),
        ({"author_id": 18}, "author_id", "field_not_taken"),
        ({"mentions": ["x"]}, "mentions", "wrong_type"),
        ({"audience": [2**63]}, "audience", "wrong_type"),
    ],
)
async def test_a_wrong_post_is_named(
    event_redis: RedisServer, open_collector: OpenCollector, changes: dict[str, Any], field: str, rule: str
) -> None:
    async with open_collector() as client:
        answer = await client.post("/api/v1/posts", {"text": "hello", "privacy": "public"} | changes)
    assert [(one["field"], one["rule"]) for one in answer.json()["refused"]] == [(field, rule)]
    assert event_redis.client.exists(STREAM) == 0


async def test_a_user_makes_so_many_posts_a_day(event_redis: RedisServer, open_collector: OpenCollector) -> None:
    body = {"text": "hello", "privacy": "public"}
    async with open_collector(posts_per_day=2) as client:
        statuses = [(await client.post("/api/v1/posts", body, key=key)).status_code for key in "abacb"]
        refused = await client.post("/api/v1/posts", body, key="c")
        like = await client.post("/api/v1/posts/7/like")
        later = NOW + timedelta(hours=2)
    async with open_collector(now=lambda: later, posts_per_day=2) as client:
        assert (await client.post("/api/v1/posts", body, key="a")).status_code == 201
    assert (statuses, like.status_code) == ([201, 201, 201, 429, 201], 200)
    assert refused.headers["retry-after"] == str(12 * 3600)
    assert len(lines_in(event_redis)) == 4


async def test_a_hidden_post_is_hidden_at_once_and_a_like_is_counted(
    event_redis: RedisServer, redis_server: RedisServer, open_collector: OpenCollector
) -> None:
    redis_server.write_user(3, 17, [Seed(7, is_public=False)])
    redis_server.client.set("post:3:8", card_of(Seed(8), 3))
    redis_server.client.set("post:3:9", card_of(Seed(9, is_public=False), 3))
    redis_server.write_pool("fresh:3:{u17}", 3, 17, [Seed(10, is_public=False)])
    redis_server.flip(3)
    async with open_collector(serving=redis_server) as client:

        async def stats(post_id: int, path: str, user_id: int = 17, key: str = "k") -> Any:
            body = {"text": "x"} if path == "comments" else b""
            return (await client.post(f"/api/v1/posts/{post_id}/{path}", body, user_id, key)).json()["stats"]

        assert await stats(7, "like") == {"likes": 2, "comments": 2, "shares": 3}
        assert await stats(7, "like") == {"likes": 1, "comments": 2, "shares": 3}
        assert await stats(8, "comments") == {"likes": 1, "comments": 3, "shares": 3}
        assert await stats(8, "hide") == {"likes": 1, "comments": 2, "shares": 3}
        assert redis_server.client.smembers("hidden:{u17}") == {b"8"}
        redis_server.client.sadd("hidden:{u18}", *range(100, 100 + MAX_READ_MEMBERS))
        await stats(8, "hide", user_id=18)
        assert redis_server.client.scard("hidden:{u18}") == MAX_READ_MEMBERS
        assert await stats(10, "hide") == {"likes": 1, "comments": 2, "shares": 3}
        assert await stats(9, "like") is None
        assert await stats(7, "like", user_id=18) is None
        redis_server.client.sadd("block:{u18}", 100)
        assert await stats(8, "like", user_id=18) is None
        redis_server.client.zadd("parted:{u17}", {"friend:100": 3})
        assert await stats(7, "share") is None
        redis_server.client.zadd("narrowed", {"8": 3})
        assert await stats(8, "share") is None
        redis_server.client.delete("narrowed")
        redis_server.client.sadd("takedown", 8)
        assert await stats(8, "share", key="k2") is None
        redis_server.client.set("epoch:pointer", b"\xff")
        assert await stats(8, "share", key="k3") is None
        metrics = (await client.http.get("/metrics")).text
    assert 'feedlake_unavailable_total{dependency="serving"} 1.0' in metrics
    assert len(lines_in(event_redis)) == 12


@pytest.mark.parametrize(
    ("text", "hashtags", "mentions"),
    [
        ("#a#b ##c x#d &#39; https://x.y/#e #f_1.", ["a", "f_1"], []),
        ("(#été) #été #日本", ["été", "日本"], []),
        ("@1 @2x x@3 @-4, @@5 @1 @9223372036854775808 @\u0661", [], [1, -4]),
    ],
)
def test_hashtags_and_mentions_are_found(text: str, hashtags: list[str], mentions: list[int]) -> None:
    assert (hashtags_of(text), mentions_of(text)) == (hashtags, mentions)


@given(st.text(st.sampled_from("#@a1 -_&/\u00e9\n")))
def test_what_is_found_stands_in_the_text(text: str) -> None:
    assert all(f"#{tag}" in text for tag in hashtags_of(text))
    assert all(-(2**63) <= user < 2**63 for user in mentions_of(text))
