"""Two ways to one answer: plain requests are answered before FastAPI, every other request by FastAPI."""

from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from serving.http.tokens import mint_token
from serving.reader.feed_route import plain_parameters
from serving.reader.metrics import FEED_PATH
from tests.serving.reader_world import SECRET, Client, OpenReader, RedisServer, Seed

PLAIN = {"cursor": None, "count": 20, "feed_filter": "all"}
AUTHORIZED = {"Authorization": f"Bearer {mint_token(1, SECRET)}"}


@pytest.fixture
def world(redis_server: RedisServer) -> RedisServer:
    redis_server.write_user(2, 1, [Seed(n, created_at=n) for n in range(1, 61)])
    redis_server.write_public(2, "popular", [Seed(1)])
    redis_server.flip(2)
    return redis_server


@pytest.mark.parametrize(
    ("query", "parameters"),
    [
        (b"", PLAIN),
        (b"count=1", {**PLAIN, "count": 1}),
        (b"filter=pages&cursor=aZ-_09&count=50", {"cursor": "aZ-_09", "count": 50, "feed_filter": "pages"}),
        *(
            (b"filter=%b" % name.encode(), {**PLAIN, "feed_filter": name})
            for name in ("all", "friends", "chronological")
        ),
    ],
)
def test_plain_parameters_are_read(query: bytes, parameters: dict[str, Any]) -> None:
    assert plain_parameters(query) == parameters


@pytest.mark.parametrize(
    "query",
    [
        *(b"count=%b" % value for value in (b"0", b"51", b"99", b"020", b"+5", b" 5", b"5.0", b"x", b"", b"\xb2")),
        *(b"filter=%b" % value for value in (b"best", b"ALL", b"", b"all|pages", b"%61ll")),
        *(b"cursor=%b" % value for value in (b"", b"a%2D", b"a+b", b"a=", b"a;b", b"a\n")),
        *(b"count=5&count=5", b"count=5&", b"&", b"other=1", b"count", b"Count=5"),
    ],
)
def test_every_other_query_is_left_to_fastapi(query: bytes) -> None:
    assert plain_parameters(query) is None


async def test_both_ways_give_the_same_answer(world: RedisServer, open_reader: OpenReader) -> None:
    async with open_reader() as client:
        cursor = (await client.feed(count=7))["next_cursor"]
        for plain, spelled in (
            ("", "?other=1"),
            ("?count=7", "?count=%37"),
            ("?filter=chronological&count=50", "?filter=chronologica%6C&count=50"),
            (f"?cursor={cursor}", f"?cursor={cursor}&other=1"),
            ("?cursor=forged", "?cursor=forge%64"),
        ):
            direct, routed = [await _answer(client, query, AUTHORIZED) for query in (plain, spelled)]
            assert direct == routed, plain
            refused, refused_too = [await _answer(client, query, {}) for query in (plain, spelled)]
            assert refused == refused_too
            assert refused[0] == 401
    assert world.client.ping()


async def test_a_plain_request_needs_no_route_and_others_do(world: RedisServer, open_reader: OpenReader) -> None:
    async with open_reader() as client:
        routes = client.app.router.routes
        routes[:] = [route for route in routes if getattr(route, "path", None) != FEED_PATH]
        assert (await _answer(client, "?count=7", AUTHORIZED))[0] == 200
        assert (await _answer(client, "?count=%37", AUTHORIZED))[0] == 404
        assert (await client.http.post(FEED_PATH, headers=AUTHORIZED)).status_code == 404
        assert (await client.http.get(f"{FEED_PATH}/", headers=AUTHORIZED)).status_code == 404
    assert world.client.ping()


@pytest.mark.parametrize("query", ["?count=7", "?count=%37"])
async def test_a_failure_inside_is_a_problem_with_the_request_id(
    world: RedisServer, open_reader: OpenReader, query: str
) -> None:
    async def fail(_: object) -> None:
        raise KeyError("unforeseen")

    async with open_reader() as client:
        client.app.state.reader = SimpleNamespace(page=fail)
        transport = httpx.ASGITransport(app=client.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://reader") as http:
            response = await http.get(FEED_PATH + query, headers={**AUTHORIZED, "X-Request-ID": "abc-1"})
    assert (response.status_code, response.headers["content-type"]) == (500, "application/problem+json")
    assert response.json()["request_id"] == "abc-1"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert world.client.ping()


async def _answer(client: Client, query: str, headers: dict[str, str]) -> tuple[int, dict[str, str], dict[str, Any]]:
    """Status, headers and body, without what differs between any two answers."""
    response = await client.http.get(FEED_PATH + query, headers={**headers, "X-Request-ID": "same"})
    body: dict[str, Any] = response.json()
    if "metadata" in body:
        for measured in ("generation_time_ms", "staleness_s"):
            body["metadata"].pop(measured)
        body["next_cursor"] = body["next_cursor"] is not None
    return response.status_code, {k: v for k, v in response.headers.items() if k != "content-length"}, body
