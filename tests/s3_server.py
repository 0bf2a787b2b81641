"""A real S3 server for tests: versitygw over a folder. What was put outlives the server, as on any S3."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from storage.s3 import client
from tests.nights import ROOT, free_port, wait_until_open

KEY, SECRET = "feedlake-tests", "a secret of the tests"
HOW = "no versitygw: `make s3` builds it with Go, see docs/places.md"


@dataclass
class S3Server:
    """A server on a port of its own, over the folder ``data``."""

    binary: str
    data: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        env = {**os.environ, "ROOT_ACCESS_KEY": KEY, "ROOT_SECRET_KEY": SECRET}
        command = [self.binary, "--port", f"127.0.0.1:{self.port}", "--quiet", "posix", str(self.data)]
        self.process = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until_open(self.port)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    @property
    def environment(self) -> dict[str, str]:
        return {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.port}",
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }


@contextmanager
def s3_server(folder: Path, bucket: str) -> Iterator[S3Server]:
    """A running server with a bucket, which the environment names; the test is skipped where there is no server."""
    binary = shutil.which("versitygw", path=f"{ROOT / '.tools'}{os.pathsep}{os.environ['PATH']}")
    if binary is None:
        pytest.skip(HOW)
    folder.mkdir(parents=True, exist_ok=True)
    server = S3Server(binary, folder, free_port())
    with pytest.MonkeyPatch.context() as patch:
        for name, value in server.environment.items():
            patch.setenv(name, value)
        server.start()
        try:
            client().create_bucket(Bucket=bucket)
            yield server
        finally:
            server.kill()
