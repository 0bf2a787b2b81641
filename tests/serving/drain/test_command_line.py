"""The drain's command line: one pass or many, and how it ends."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from contracts.collector_keys import LINE_FIELD, STREAM
from serving.drain.__main__ import main
from serving.drain.drain import only_drain
from tests.nights import ROOT
from tests.serving.collector.collector_world import impression
from tests.serving.drain.drain_process import landed
from tests.serving.reader_world import RedisServer


def add(server: RedisServer, number: int) -> None:
    line = json.dumps(impression(number) | {"received_at": "2026-03-08T12:00:00Z"})
    server.client.xadd(STREAM, {LINE_FIELD: line})


def test_one_pass_ends_with_0(event_redis: RedisServer, tmp_path: Path) -> None:
    add(event_redis, 1)
    assert main(["--redis", event_redis.url, "--landing", str(tmp_path), "--once"]) == 0
    assert landed(tmp_path) == {"17:1": 1}


def test_what_cannot_be_moved_ends_with_1(
    event_redis: RedisServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--landing", str(tmp_path), "--once", "--set", "drain.redis_timeout_s=0.2"]
    assert main(["--redis", "redis://127.0.0.1:1", *words]) == 1
    (tmp_path / "file").touch()
    assert main(["--redis", event_redis.url, "--landing", str(tmp_path / "file"), "--once"]) == 1
    with only_drain(tmp_path):
        assert main(["--redis", event_redis.url, *words]) == 1
    assert "another drain writes to" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        main(["--landing", str(tmp_path)])


def test_it_goes_on_until_it_is_told_to_stop(event_redis: RedisServer, tmp_path: Path) -> None:
    words = ["--redis", event_redis.url, "--landing", str(tmp_path), "--set", "drain.every_s=0.05"]
    command = [sys.executable, "-m", "serving.drain", *words]
    process = subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.DEVNULL
    )
    try:
        for number in range(3):
            add(event_redis, number)
            deadline = time.monotonic() + 60
            while landed(tmp_path).total() <= number and time.monotonic() < deadline:
                time.sleep(0.02)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()
    assert landed(tmp_path) == {f"17:{number}": 1 for number in range(3)}
