"""A wrong place ends a command within seconds, before it does any work and before Spark starts."""

import argparse
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from contracts import s3_access
from contracts.places import PlaceError
from storage import s3
from storage.check import check_options, check_places, local_path
from storage.s3 import StorageError
from tests.fake_s3 import BUCKET, FakeS3, fake_s3

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def server() -> Iterator[FakeS3]:
    with fake_s3() as fake:
        yield fake


def test_places_that_are_there_pass_and_each_bucket_is_asked_once(server: FakeS3, tmp_path: Path) -> None:
    check_places([f"s3://{BUCKET}/lake", f"s3://{BUCKET}/runs", tmp_path / "not yet"])
    assert server.log == [("GET", "")]


def test_no_credentials(server: FakeS3, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    with pytest.raises(StorageError, match="there are no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET"):
        check_places([f"s3://{BUCKET}/lake"])
    assert server.log == []


def test_half_of_the_credentials(server: FakeS3, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(StorageError, match="there are no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET"):
        check_places([f"s3://{BUCKET}/lake"])
    assert server.log == []


def test_wrong_credentials(server: FakeS3, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "stranger")
    with pytest.raises(StorageError, match=f"s3://{BUCKET}/lake: {server.url} does not know these credentials"):
        check_places([f"s3://{BUCKET}/lake"])


def test_a_bucket_that_does_not_exist(server: FakeS3) -> None:
    with pytest.raises(StorageError, match=f"{server.url} has no bucket nothing-here: create it, or mend"):
        check_places(["s3://nothing-here/lake"])


def test_a_server_that_hangs_is_given_up(server: FakeS3, monkeypatch: pytest.MonkeyPatch) -> None:
    assert s3_access.CONNECT_S <= 5, "a person waits"
    monkeypatch.setattr(s3, "CONNECT_S", 0.2)
    s3._client.cache_clear()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{silent.getsockname()[1]}")
        with pytest.raises(StorageError, match="does not answer in time"):
            check_places([f"s3://{BUCKET}/lake"])
    assert server.log == []


def test_a_server_that_is_not_there(server: FakeS3, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
    with pytest.raises(StorageError, match="cannot be reached: check AWS_ENDPOINT_URL"):
        check_places([f"s3://{BUCKET}/lake"])
    monkeypatch.setenv("AWS_ENDPOINT_URL", "localhost")
    with pytest.raises(PlaceError, match="AWS_ENDPOINT_URL=localhost: Invalid endpoint"):
        check_places([f"s3://{BUCKET}/lake"])
    assert server.log == []


def test_a_command_ends_with_the_message(server: FakeS3, capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser(prog="night")
    with pytest.raises(SystemExit) as ended:
        check_options(parser, argparse.Namespace(lake="s3://nothing-here/lake", runs=None), "lake", "runs")
    assert ended.value.code == 2
    message = f"{server.url} has no bucket nothing-here: create it, or mend the location"
    assert capsys.readouterr().err == f"night: s3://nothing-here/lake: {message}\n"


def test_a_night_ends_before_it_starts_spark(server: FakeS3, tmp_path: Path) -> None:
    words = ["clean", "--ds", "2026-03-08", "--lake", "s3://nothing-here/lake", "--landing", str(tmp_path)]
    command = [sys.executable, "spark_jobs/night/run.py", *words, "--runs", str(tmp_path)]
    begun = time.monotonic()
    done = subprocess.run(command, cwd=ROOT, env=dict(os.environ), capture_output=True, text=True, check=False)
    print(f"{time.monotonic() - begun:.1f} s")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.endswith(f"{server.url} has no bucket nothing-here: create it, or mend the location\n")
    assert list(tmp_path.iterdir()) == []


def test_what_needs_a_disk_refuses_s3() -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="lies on S3, where this needs a path of this machine"):
        local_path("s3://bucket/landing")
