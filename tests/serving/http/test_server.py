import resource
from types import SimpleNamespace

import pytest
from starlette.types import Message, Receive, Scope, Send

from serving.http.server import OnlyPublicPaths, share_descriptors


@pytest.fixture
def open_files(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A limit of open files that is only pretended, so that the test process keeps its own."""
    limit = SimpleNamespace(soft=1024, hard=4096)

    def change(_: int, limits: tuple[int, int]) -> None:
        limit.soft, limit.hard = limits

    monkeypatch.setattr(resource, "getrlimit", lambda _: (limit.soft, limit.hard))
    monkeypatch.setattr(resource, "setrlimit", change)
    return limit


def test_enough_open_files_are_left_alone(open_files: SimpleNamespace) -> None:
    assert share_descriptors(512, 256) == (512, 256)
    assert open_files.soft == 1024


def test_a_soft_limit_is_raised_as_far_as_the_hard_one(open_files: SimpleNamespace) -> None:
    open_files.soft = 100
    assert share_descriptors(512, 256) == (512, 256)
    assert open_files.soft == 512 + 256 + 40
    open_files.soft = open_files.hard = resource.RLIM_INFINITY
    assert share_descriptors(512, 256) == (512, 256)


def test_a_hard_limit_is_shared_and_one_too_low_is_refused(
    open_files: SimpleNamespace, caplog: pytest.LogCaptureFixture
) -> None:
    open_files.soft = open_files.hard = 100
    assert share_descriptors(512, 256) == (40, 20)
    assert "raise it to 808" in caplog.text
    open_files.soft = open_files.hard = 42
    with pytest.raises(ValueError, match="too low"):
        share_descriptors(512, 256)


@pytest.mark.parametrize(
    ("path", "seen"),
    [
        ("/api/v1/feed", "/api/v1/feed"),
        ("/api/v1/feed/x", "/"),
        ("/api/v1/posts/7/like", "/api/v1/posts/7/like"),
        ("/api/v1/posts", "/"),
        ("/readyz", "/readyz"),
        ("/metrics", "/"),
        ("/docs", "/"),
        ("/openapi.json", "/"),
    ],
)
async def test_a_public_listener_shows_the_paths_it_is_given_and_health_alone(path: str, seen: str) -> None:
    paths = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        paths.append(scope["path"])
        await send(await receive())

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(_: Message) -> None:
        return

    await OnlyPublicPaths(app, ["/api/v1/feed", "/api/v1/posts/"])(
        {"type": "http", "path": path, "raw_path": path.encode()}, receive, send
    )
    assert paths == [seen]
