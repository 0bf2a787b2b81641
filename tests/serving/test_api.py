"""The HTTP surface: shapes, errors, health, metrics, logs, command lines."""

import json
import logging
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from contracts.redis_keys import POINTER_KEY
from serving.http.json_log import JsonFormatter
from serving.http.tokens import mint_token
from serving.reader.__main__ import main
from serving.reader.responses import FeedResponse, UserInteraction
from tests.serving.reader_world import BIG, GENERATED_AT, SECRET, OpenReader, RedisServer, Seed


@pytest.fixture
def world(redis_server: RedisServer) -> RedisServer:
    redis_server.write_user(2, 1, [Seed(BIG + n, author_id=BIG + 100, score=1 / 3) for n in range(60)])
    redis_server.write_public(2, "popular", [Seed(1)])
    redis_server.flip(2)
    return redis_server


async def test_the_body_is_what_the_schema_says(world: RedisServer, open_reader: OpenReader) -> None:
    async with open_reader() as client:
        response = await client.get(user_id=1)
    feed = FeedResponse.model_validate_json(response.content, strict=True)
    post = feed.posts[0]
    assert post.author is not None
    assert [post.id, post.author.id] == ["9007199254740993", "9007199254741093"]
    assert post.ranking_score == pytest.approx(1 / 3, abs=1e-3)
    assert post.reason == 'Your friend Ada "9007199254741093" Ö posted this'
    assert post.user_interaction == UserInteraction(liked=False, commented=False, shared=False)
    assert not post.is_sponsored
    assert (len(feed.posts), feed.has_more, feed.metadata.epoch) == (20, True, 2)
    assert abs(feed.metadata.staleness_s - (time.time() - GENERATED_AT)) < 60
    assert FeedResponse.model_validate_json(response.content).model_dump() == response.json()
    assert world.client.ping()


async def test_a_drawn_post_tells_its_chance_unless_a_filter_moves_it(
    redis_server: RedisServer, open_reader: OpenReader
) -> None:
    redis_server.write_user(2, 1, [Seed(1), Seed(2, propensity=0.25), Seed(3)])
    redis_server.write_public(2, "popular", [Seed(1)])
    redis_server.flip(2)
    async with open_reader() as client:
        told = {
            name: [post["propensity"] for post in (await client.feed(filter=name))["posts"]]
            for name in ("all", "friends")
        }
    assert told == {"all": [1, 0.25, 1], "friends": [None, None, None]}


async def test_an_ad_says_so_and_which_it_is(redis_server: RedisServer, open_reader: OpenReader) -> None:
    ad = Seed(3, score=float("nan"), propensity=float("nan"), reason="ad", ad_id=-BIG)
    redis_server.write_user(2, 1, [Seed(1), Seed(2), ad, Seed(4)])
    redis_server.write_public(2, "popular", [Seed(1)])
    redis_server.flip(2)
    async with open_reader() as client:
        posts = (await client.feed())["posts"]
        under_a_filter = (await client.feed(filter="chronological"))["posts"]
    assert [(post["id"], post["is_sponsored"], post["ad_id"]) for post in posts] == [
        ("1", False, None),
        ("2", False, None),
        ("3", True, f"-{BIG}"),
        ("4", False, None),
    ]
    assert (posts[2]["reason"], posts[2]["ranking_score"], posts[2]["propensity"]) == ("Sponsored", None, None)
    assert [post["id"] for post in under_a_filter] == ["4", "2", "1"]


async def test_count_is_1_to_50(world: RedisServer, open_reader: OpenReader) -> None:
    async with open_reader() as client:
        for count in (1, 50):
            assert len(await client.ids(count=count)) == count
        for name, value in (("count", 0), ("count", 51), ("count", "x"), ("filter", "best")):
            response = await client.get(1, None, **{name: value})
            assert response.status_code == 400
            assert response.headers["content-type"] == "application/problem+json"
            assert response.json()["detail"].startswith(f"{name}: ")
    assert world.client.ping()


async def test_no_valid_token_is_a_401_with_a_challenge(world: RedisServer, open_reader: OpenReader) -> None:
    async with open_reader() as client:
        missing = await client.http.get("/api/v1/feed")
        expired = await client.get(token=mint_token(1, SECRET, lifetime_s=-5))
        foreign = await client.get(token=mint_token(1, b"another secret that is long enough too"))
        bad_count = await client.http.get("/api/v1/feed", params={"count": 0})
    assert [r.status_code for r in (missing, expired, foreign, bad_count)] == [401] * 4
    assert missing.headers["www-authenticate"] == "Bearer"
    assert 'error="invalid_token"' in expired.headers["www-authenticate"]
    assert expired.json()["detail"] == "the token has expired"
    assert foreign.headers["content-type"] == "application/problem+json"
    assert world.client.ping()


async def test_other_paths_and_methods_are_problems_too(world: RedisServer, open_reader: OpenReader) -> None:
    async with open_reader() as client:
        assert (await client.http.get("/nothing")).json()["status"] == 404
        assert (await client.http.post("/api/v1/feed")).json()["title"] == "Method Not Allowed"
        slash = await client.http.get("/api/v1/feed/", headers={"Host": "evil.example"})
        assert (slash.status_code, "location" in slash.headers) == (404, False)
        for path in ("/nothing", "/api/v1/feed", "/healthz", "/readyz", "/metrics", "/docs"):
            assert (await client.http.get(path)).headers["x-content-type-options"] == "nosniff"
    assert world.client.ping()


async def test_openapi_describes_parameters_bodies_and_errors(world: RedisServer, open_reader: OpenReader) -> None:
    async with open_reader() as client:
        document = (await client.http.get("/openapi.json")).json()
        assert (await client.http.get("/docs")).status_code == 200
    feed = document["paths"]["/api/v1/feed"]["get"]
    assert [parameter["name"] for parameter in feed["parameters"]] == ["cursor", "count", "filter"]
    assert feed["parameters"][1]["schema"]["maximum"] == 50
    assert set(feed["responses"]) == {"200", "400", "401", "503", "default"}
    assert feed["security"] == [{"HTTPBearer": []}]
    assert "FeedResponse" in document["components"]["schemas"]
    assert world.client.ping()


async def test_readiness_says_why_not(world: RedisServer, open_reader: OpenReader) -> None:
    async with open_reader() as client:
        assert (await client.http.get("/readyz")).text == "ready, epoch 2"
        world.client.set(POINTER_KEY, "{}")
        damaged = await client.http.get("/readyz")
        world.client.delete(POINTER_KEY)
        missing = await client.http.get("/readyz")
        assert (await client.feed())["metadata"]["epoch"] == 2
    assert (damaged.status_code, missing.status_code) == (503, 503)
    assert "damaged" in damaged.json()["detail"]
    assert missing.json()["detail"] == "there is no epoch pointer"


async def test_metrics_count_what_happened(world: RedisServer, open_reader: OpenReader) -> None:
    world.client.sadd("hidden:{u1}", BIG)
    async with open_reader() as client:
        await client.feed()
        await client.feed()
        await client.get(count=0)
        text = (await client.http.get("/metrics")).text
    for line in (
        'feedlake_feed_latency_seconds_count{served_from="redis"} 2.0',
        'feedlake_requests_total{path="/api/v1/feed",status="200"} 2.0',
        'feedlake_requests_total{path="/api/v1/feed",status="400"} 1.0',
        'feedlake_suppressed_items_total{kind="hidden"} 2.0',
        'feedlake_cards_total{outcome="miss"} 20.0',
        'feedlake_cards_total{outcome="hit"} 20.0',
        'feedlake_breaker_state{dependency="redis"} 0.0',
        "feedlake_epoch 2.0",
    ):
        assert line in text
    assert 'le="0.0002"' in text


async def test_the_request_id_is_echoed_logged_and_never_trusted_blindly(
    world: RedisServer, open_reader: OpenReader, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "serving.reader.requests")
    async with open_reader() as client:
        echoed = await client.http.get("/healthz", headers={"X-Request-ID": "abc-1"})
        made = await client.http.get("/healthz", headers={"X-Request-ID": 'a" evil'})
    assert echoed.headers["x-request-id"] == "abc-1"
    assert len(made.headers["x-request-id"]) == 32
    record = next(record for record in caplog.records if record.name == "serving.reader.requests")
    line = json.loads(JsonFormatter().format(record))
    assert (line["request_id"], line["path"], line["status"]) == ("abc-1", "/healthz", 200)
    assert world.client.ping()


def test_the_command_line_refuses_to_start_without_a_secret(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("FEEDLAKE_JWT_SECRET", raising=False)
    monkeypatch.delenv("FEEDLAKE_JWT_SECRET_FILE", raising=False)
    assert main([]) == 2
    assert "FEEDLAKE_JWT_SECRET" in capsys.readouterr().err


def test_a_real_server_shows_a_feed_to_a_person(world: RedisServer, tmp_path: Path) -> None:
    secret_file = tmp_path / "secret"
    secret_file.write_bytes(SECRET)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    root = Path(__file__).parents[2]
    command = [sys.executable, "-m", "serving.reader", "--port", str(port), "--redis", world.url]
    options = ["--secret-file", str(secret_file)]
    with subprocess.Popen(
        [*command, *options, "--redis-timeout-ms", "2000"], cwd=root, stdout=subprocess.PIPE
    ) as server:
        try:
            for _ in range(300):
                try:
                    if httpx.get(f"{url}/readyz").is_success:
                        break
                except httpx.TransportError:
                    time.sleep(0.1)
            show = [sys.executable, "-m", "serving.show_feed", "--url", url, "--user", "1", "--count", "2", *options]
            shown = subprocess.run(show, cwd=root, capture_output=True, text=True, check=True).stdout
        finally:
            server.terminate()
            log, _ = server.communicate()
    assert "Feed of user 1: 2 posts" in shown
    assert '  1. Ada "9007199254741093" Ö · 1 h ago · status' in shown
    assert "posted this (score 0.333)" in shown
    assert "epoch 2 · served from redis" in shown
    assert any(json.loads(line).get("served_from") == "redis" for line in log.splitlines())
