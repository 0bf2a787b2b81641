"""A drain as a process that dies at a step, or whose files the kernel cuts off as a full disk does."""

import os
import pathlib
import resource
import signal
import sys

import redis

from serving.drain import __main__ as command
from serving.drain import drain, landed_files
from tests.serving.drain.drain_process import STEPS

_FILE_EVENTS = 20


def drain_once(url: str, landing: str, dies: str | None, most_bytes: int | None) -> None:
    """Move the stream once. ``dies`` is one of ``STEPS``; no file gets more than ``most_bytes``."""
    if most_bytes is not None:
        _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, hard))
    if dies is not None:
        names = {"redis": redis, "drain": drain, "landed_files": landed_files, "pathlib": pathlib, "die": _die}
        exec(STEPS[dies], names)  # noqa: S102 - faults of this repository's own tests
    words = ["--redis", url, "--landing", landing, "--once", "--set", f"drain.file_events={_FILE_EVENTS}"]
    sys.exit(command.main(words))


def _die(*_: object, **__: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)
