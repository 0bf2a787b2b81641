"""``POST /api/v1/events``: a batch is taken whole or not at all, once, and only from its owner."""

import json
from datetime import timedelta
from typing import Any

import pytest

from contracts.collector_keys import STREAM
from contracts.landing import EVENT_TYPES
from serving.http.tokens import mint_token
from tests.serving.collector.collector_world import NOW, OpenCollector, engagement, impression, lines_in, ndjson
from tests.serving.reader_world import SECRET, RedisServer

PATH = "/api/v1/events"


async def test_a_batch_is_in_the_stream_as_it_was_sent(event_redis: RedisServer, open_collector: OpenCollector) -> None:
    sent = [impression(1, mood="calm", propensity=0.25), engagement(2)]
    async with open_collector() as client:
        answer = await client.send(*sent)
    assert (answer.status_code, answer.json()) == (200, {"accepted": 2, "new": 2})
    stamped = [json.loads(line) for line in lines_in(event_redis)]
    assert stamped == [event | {"received_at": "2026-03-08T12:00:00.250000Z"} for event in sent]


async def test_a_retry_makes_no_second_event(event_redis: RedisServer, open_collector: OpenCollector) -> None:
    async with open_collector() as client:
        await client.send(impression(1))
        again = await client.send(impression(1), impression(2))
    assert again.json() == {"accepted": 2, "new": 1}
    assert len(lines_in(event_redis)) == 2


async def test_a_retry_is_known_in_the_next_window(event_redis: RedisServer, open_collector: OpenCollector) -> None:
    for later in (0, 900, 1800, 4500):
        async with open_collector(now=lambda later=later: NOW + timedelta(seconds=later)) as client:
            await client.send(impression(1))
        assert len(lines_in(event_redis)) == (1 if later < 1800 else 2 if later == 1800 else 3)


@pytest.mark.parametrize(
    ("changes", "field", "rule"),
    [
        ({"user_id": 18}, "user_id", "not_yours"),
        ({"event_id": "18:1"}, "event_id", "event_id_not_yours"),
        ({"event_id": "17:" + "x" * 126}, "event_id", "event_id_too_long"),
        ({"event_type": "session"}, "session_id", "missing_field"),
        ({"event_type": "post_deleted"}, "event_type", "not_collected"),
        ({"received_at": None}, "received_at", "set_by_collector"),
        ({"post_id": 2**63}, "post_id", "wrong_type"),
        ({"post_id": -(2**63) - 1}, "post_id", "wrong_type"),
        ({"post_id": "7"}, "post_id", "wrong_type"),
        ({"position": 0}, "position", "value_out_of_range"),
        ({"connection": "pigeon"}, "connection", "value_not_allowed"),
        ({"event_time": "2026-03-08T12:05:01Z"}, "event_time", "future_event"),
        ({"event_time": "2026-03-05T11:59:00Z"}, "event_time", "too_late"),
        ({"surface": "half \ud83d"}, "surface", "lone_surrogate"),
    ],
)
async def test_one_bad_event_refuses_the_batch_and_is_named(
    event_redis: RedisServer, open_collector: OpenCollector, changes: dict[str, Any], field: str, rule: str
) -> None:
    async with open_collector() as client:
        answer = await client.send(impression(1), impression(2, **changes), impression(3))
    problem = answer.json()
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
    assert problem["num_refused"] == 1
    assert [(one["index"], one["field"], one["rule"]) for one in problem["refused"]] == [(1, field, rule)]
    assert rule in problem["detail"]
    assert lines_in(event_redis) == []


@pytest.mark.parametrize("number", [2**63 - 1, -(2**63)])
async def test_the_outermost_ids_are_kept_exactly(
    event_redis: RedisServer, open_collector: OpenCollector, number: int
) -> None:
    async with open_collector() as client:
        answer = await client.send(impression(1, user_id=number, post_id=number), user_id=number)
    assert answer.status_code == 200
    assert json.loads(lines_in(event_redis)[0])["post_id"] == number


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        (b'{"a": 1, "a": 2}', "duplicate_key"),
        (b'{"a": "\xff"}', "not_utf8"),
        (b"\x1f\x8b\x08", "not_utf8"),
        (b'{"a": "\x00"}', "malformed_json"),
        (b"\x00", "malformed_json"),
        (b'{"a": NaN}', "malformed_json"),
        (b"[" * 5_000, "beyond_limits"),
        (b'{"a":' * 5_000, "beyond_limits"),
        (b'{"a": ' + b"1" * 5_000 + b"}", "beyond_limits"),
        (b"[1]", "not_an_object"),
        (b"null", "not_an_object"),
        (b"{}", "missing_field"),
        (b'{"a": 1} {"a": 1}', "malformed_json"),
    ],
)
async def test_what_is_no_event_is_a_problem(
    event_redis: RedisServer, open_collector: OpenCollector, line: bytes, rule: str
) -> None:
    async with open_collector() as client:
        answer = await client.post(PATH, ndjson(impression(1)) + line)
    assert answer.status_code == 400
    assert [one["rule"] for one in answer.json()["refused"]] == [rule]
    assert lines_in(event_redis) == []


async def test_a_zero_byte_in_a_text_is_taken_as_it_stands(
    event_redis: RedisServer, open_collector: OpenCollector
) -> None:
    async with open_collector() as client:
        assert (await client.send(impression(1, surface="a\0b"))).status_code == 200
    assert b"a\\u0000b" in lines_in(event_redis)[0]


async def test_one_id_twice_in_a_batch_is_refused(event_redis: RedisServer, open_collector: OpenCollector) -> None:
    async with open_collector() as client:
        answer = await client.send(impression(1), engagement(1))
    assert [(one["index"], one["rule"]) for one in answer.json()["refused"]] == [(1, "duplicate_event")]
    assert lines_in(event_redis) == []


async def test_bodies_are_bounded(event_redis: RedisServer, open_collector: OpenCollector) -> None:
    async with open_collector(batch_events=3, body_bytes=2_000) as client:
        empty = await client.post(PATH, b" \n\r\n")
        many = await client.send(*(impression(number) for number in range(4)))
        large = await client.send(impression(1, surface="x" * 2_000))
        chunks = await client.http.post(PATH, content=_endless(), headers=_as_17())
    assert [answer.status_code for answer in (empty, many, large, chunks)] == [400, 400, 413, 413]
    assert "4 events, at most 3" in many.json()["detail"]
    assert lines_in(event_redis) == []


async def _endless() -> Any:
    while True:
        yield b"x" * 1_000


def _as_17() -> dict[str, str]:
    return {"Authorization": f"Bearer {mint_token(17, SECRET)}"}


async def test_nobody_sends_without_a_valid_token(event_redis: RedisServer, open_collector: OpenCollector) -> None:
    good = mint_token(17, SECRET)
    tokens = {
        "expired": mint_token(17, SECRET, lifetime_s=-5),
        "foreign": mint_token(17, b"another secret that is long enough too"),
        "audience": mint_token(17, SECRET, audience="another"),
        "truncated": good[:-6],
        "cut": good.rpartition(".")[0] + ".",
    }
    async with open_collector() as client:
        for token in tokens.values():
            answer = await client.post(PATH, ndjson(impression(1)), token=token)
            assert (answer.status_code, "www-authenticate" in answer.headers) == (401, True)
        missing = await client.http.post(PATH, content=ndjson(impression(1)))
        bad_key = await client.http.post("/api/v1/posts/x/like")
    assert (missing.status_code, bad_key.status_code) == (401, 401)
    assert lines_in(event_redis) == []


async def test_a_user_may_send_so_many_events_a_minute(event_redis: RedisServer, open_collector: OpenCollector) -> None:
    async with open_collector(events_per_minute=5, batch_events=5) as client:
        assert (await client.send(*(impression(number) for number in range(4)))).status_code == 200
        refused = await client.send(impression(4), impression(5))
        repeated = await client.send(impression(1))
        one_more = await client.send(impression(4))
        other = await client.send(impression(1, user_id=18), user_id=18)
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "60")
    assert [answer.status_code for answer in (repeated, one_more, other)] == [200, 200, 200]
    assert len(lines_in(event_redis)) == 6


async def test_openapi_has_the_fields_of_the_contract(event_redis: RedisServer, open_collector: OpenCollector) -> None:
    async with open_collector() as client:
        document = (await client.http.get("/openapi.json")).json()
        metrics = (await client.http.get("/metrics")).text
    body = document["paths"][PATH]["post"]["requestBody"]["content"]["application/x-ndjson"]["schema"]["oneOf"]
    told = [set(one["properties"]) for one in body]
    own = [{field.name for field in EVENT_TYPES[name]} for name in ("impression", "engagement")]
    assert told == [names | {"event_id", "event_type", "event_time"} for names in own]
    assert "feedlake_collect_latency_seconds" in metrics
    assert event_redis.client.exists(STREAM) == 0
