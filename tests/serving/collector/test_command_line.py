"""The collector's command line, as a process: it serves over the reader's server, and refuses what is too large."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from serving.collector.__main__ import main, parse_arguments
from serving.collector.app import utc_now
from serving.collector.events import time_text
from serving.http.tokens import mint_token
from tests.nights import ROOT, free_port, wait_until_open
from tests.serving.collector.collector_world import impression, lines_in, ndjson
from tests.serving.reader_world import SECRET, RedisServer


@pytest.fixture
def url(event_redis: RedisServer, tmp_path: Path) -> Iterator[str]:
    port, inner = free_port(), free_port()
    command = [sys.executable, "-m", "serving.collector", "--port", str(port), "--redis", event_redis.url]
    command += ["--internal-port", str(inner), "--set", "collector.redis_timeout_s=10"]
    env = {**os.environ, "FEEDLAKE_JWT_SECRET": SECRET.decode(), "PYTHONPATH": str(ROOT)}
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=log, stderr=log)
    try:
        wait_until_open(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def test_it_takes_events_over_http_and_hides_what_is_inside(url: str, event_redis: RedisServer) -> None:
    headers = {"Authorization": f"Bearer {mint_token(17, SECRET)}"}
    with httpx.Client(base_url=url, headers=headers, timeout=20) as client:
        assert client.post("/api/v1/events", content=ndjson(impression(1, event_time=time_text(utc_now())))).json() == {
            "accepted": 1,
            "new": 1,
        }
        like = client.post("/api/v1/posts/7/like", headers={"Idempotency-Key": "k"})
        assert like.json()["event_id"] == "17:like:7:k"
        assert [client.get(path).status_code for path in ("/metrics", "/docs", "/openapi.json")] == [404] * 3
        assert client.get("/readyz").text == "ready, 2 events wait for the drain"
    assert len(lines_in(event_redis)) == 2


def test_a_body_of_10_mb_is_refused_before_it_is_read(url: str, event_redis: RedisServer) -> None:
    size = 10 * 2**20
    port = int(url.rpartition(":")[2])
    for framing in (f"Content-Length: {size}", "Transfer-Encoding: chunked"):
        head = f"POST /api/v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {mint_token(17, SECRET)}\r\n"
        with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
            connection.sendall(f"{head}{framing}\r\n\r\n".encode())
            sent = 0
            try:
                while sent < size:
                    chunk = b"x" * 65_536
                    is_chunked = "chunked" in framing
                    connection.sendall(b"10000\r\n" + chunk + b"\r\n" if is_chunked else chunk)
                    sent += len(chunk)
            except OSError:
                pass  # it has refused already
            assert connection.recv(4096).startswith(b"HTTP/1.1 413")
    assert httpx.get(f"{url}/healthz").status_code == 200
    assert event_redis.client.dbsize() == 0


def test_without_a_secret_or_a_redis_it_does_not_start(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.delenv("FEEDLAKE_JWT_SECRET", raising=False)
    monkeypatch.delenv("FEEDLAKE_JWT_SECRET_FILE", raising=False)
    assert main(["--redis", "redis://127.0.0.1:1"]) == 2
    assert "no secret" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        parse_arguments([])
    (tmp_path / "dataset.json").write_text(json.dumps({"late_days": 9}))
    assert parse_arguments(["--redis", "redis://x", "--landing", str(tmp_path)]).settings.dataset.late_days == 9
