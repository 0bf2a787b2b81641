"""The page's routes: in demo mode only, for this machine only, without content from elsewhere."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from contracts.settings.load import load
from contracts.settings.problems import SettingsError
from serving.http.tokens import authenticate
from serving.page.config import PageConfig
from serving.page.routes import FOLDER, route_of
from serving.reader.__main__ import parse_arguments
from serving.reader.app import create_app
from serving.reader.config import ReaderConfig
from tests.serving.reader_world import SECRET, OpenReader, RedisServer, Seed

DEMO = ("--set", "reader.mode=demo", "--set", "reader.token_audience=elsewhere")
PATHS = [
    "/",
    "/page/users",
    "/page/state",
    *(f"/page/{file.name}" for file in FOLDER.iterdir() if file.suffix != ".html"),
]


@asynccontextmanager
async def demo(server: RedisServer, host: str = "127.0.0.1:8080") -> AsyncIterator[httpx.AsyncClient]:
    config = ReaderConfig(redis_url=server.url, mode="demo", token_audience="elsewhere", redis_timeout_s=2.0)
    app = create_app(config, SECRET, page=PageConfig(redis_url=server.url))
    transport = httpx.ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url=f"http://{host}") as http,
    ):
        yield http


@pytest.fixture
def world(redis_server: RedisServer) -> RedisServer:
    for user, size in ((1, 3), (2, 5), (-3, 4)):
        redis_server.write_user(2, user, [Seed(n) for n in range(size)])
    redis_server.write_public(2, "popular", [Seed(1)])
    redis_server.flip(2)
    return redis_server


async def test_a_reader_in_production_has_no_page(world: RedisServer, open_reader: OpenReader) -> None:
    async with open_reader() as client:
        for path in PATHS:
            assert (await client.http.get(path)).status_code == 404, path
        for path in ("/page/users/1/token", "/api/v1/posts", "/api/v1/posts/1/like"):
            assert (await client.http.post(path)).status_code == 404, path
    with pytest.raises(ValueError, match="production mode has no page"):
        create_app(ReaderConfig(redis_url=world.url), SECRET, page=PageConfig(redis_url=world.url))


async def test_the_page_is_there_in_demo_mode_under_a_strict_policy(world: RedisServer) -> None:
    async with demo(world) as http:
        for path in PATHS:
            answer = await http.get(path)
            assert answer.status_code == 200, path
        page = await http.get("/")
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
    assert "unsafe" not in policy
    assert page.headers["x-content-type-options"] == "nosniff"


async def test_users_with_the_longest_feeds_come_first(world: RedisServer) -> None:
    async with demo(world) as http:
        assert [user["id"] for user in (await http.get("/page/users")).json()] == ["2", "-3", "1"]


async def test_a_token_is_the_chosen_users_for_a_short_time_and_not_productions(world: RedisServer) -> None:
    async with demo(world) as http:
        given = (await http.post("/page/users/-3/token")).json()
        bearer = {"Authorization": f"Bearer {given['token']}"}
        assert (await http.get("/api/v1/feed", headers=bearer)).json()["metadata"]["served_from"] == "redis"
        for user in ("x", "9" * 19, "1" * 20, "%00"):
            assert (await http.post(f"/page/users/{user}/token")).status_code in (400, 401), user
    assert authenticate(bearer["Authorization"], SECRET, "elsewhere", given["lifetime_s"]) == -3
    with pytest.raises(Exception, match="another audience"):
        authenticate(bearer["Authorization"], SECRET)


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "10.0.0.1:8080"])
async def test_a_request_that_names_another_host_is_refused(world: RedisServer, host: str) -> None:
    async with demo(world, host) as http:
        assert (await http.post("/page/users/1/token")).status_code == 421
        assert (await http.get("/")).status_code == 421


async def test_without_a_collector_actions_are_a_503(world: RedisServer) -> None:
    async with demo(world) as http:
        assert (await http.get("/page/state")).json() == {"takes_actions": False}
        assert (await http.post("/api/v1/posts/1/like")).status_code == 503
        assert (await http.post("/api/v1/posts/1/eat")).status_code in (400, 401)
        assert (await http.post("/api/v1/posts", content=b"x" * 70_000)).status_code == 413


def test_demo_mode_is_refused_together_with_what_is_for_production() -> None:
    with pytest.raises(SettingsError, match="gives tokens away"):
        load(None, None, ["reader.mode=demo"])
    with pytest.raises(SettingsError, match="token_lifetime_s must be at most"):
        load(None, None, ["page.token_lifetime_s=600", "reader.max_token_lifetime_s=500"])
    for words in ((*DEMO, "--host", "0.0.0.0"), (*DEMO, "--internal-port", "9"), ("--collector", "http://x")):  # noqa: S104
        with pytest.raises(SystemExit, match="2"):
            parse_arguments([*words])
    assert parse_arguments([*DEMO, "--collector", "http://x"]).settings.reader.mode == "demo"


def test_the_files_ask_nobody_else_and_make_no_markup_from_text() -> None:
    for file in FOLDER.iterdir():
        text = file.read_text().replace('xmlns="http://www.w3.org/2000/svg"', "")
        assert not re.search(r"https?:|//[a-z]+\.|innerHTML|outerHTML|insertAdjacent|document\.write|eval\(", text), (
            file
        )
        assert not re.search(r"<script(?![^>]* src=)|<style| style=| on[a-z]+=", text), file


def test_colours_of_text_stand_out_from_their_ground() -> None:
    colours = dict(re.findall(r"--(\w+): #([0-9a-f]{6})", (FOLDER / "page.css").read_text()))
    for ink in ("ink", "soft", "strong"):
        for ground in ("paper", "ground"):
            bright, dark = sorted((_luminance(colours[ink]), _luminance(colours[ground])), reverse=True)
            assert (bright + 0.05) / (dark + 0.05) >= 4.5, (ink, ground)


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_metrics_know_a_bounded_number_of_routes() -> None:
    assert route_of("/api/v1/posts/5/like") == "/api/v1/posts/{post_id}/like"
    assert {route_of(f"/page/{n}") for n in range(9)} == {"/page/{file}"}
    assert route_of("/other") is None
