"""A drain as a process that may be made to die at a certain step, and what it landed."""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

from spark_jobs.ingest.landing_area import list_files
from tests.nights import ROOT

PROGRAM = """
import os, pathlib, signal, sys, redis
from serving.drain import drain, landed_files
from serving.drain.__main__ import main
def die(*_, **__): os.kill(os.getpid(), signal.SIGKILL)
{fault}
sys.exit(main(sys.argv[1:]))
"""
STEPS = {
    "before the note": "redis.Redis.set = die",
    "before writing": "drain.write_lines = die",
    "before the second file": """
written, count = drain.write_lines, iter(range(9))
drain.write_lines = lambda *a: written(*a) if next(count) < 1 else die()""",
    "after writing, before the rename": "pathlib.Path.rename = die",
    "after the rename, before the folder is synced": "landed_files.sync_folder = die",
    "before the trim": "redis.client.Pipeline.execute = die",
    "after the trim": """
executed = redis.client.Pipeline.execute
redis.client.Pipeline.execute = lambda *a: die(executed(*a))""",
}
"""Where a drain can die, by the fault that does it."""


def start_drain(redis_url: str, landing: Path, *options: str, dies: str | None = None) -> subprocess.Popen[bytes]:
    """Move the stream once; ``dies`` is one of ``STEPS``."""
    program = PROGRAM.format(fault=STEPS[dies] if dies else "")
    words = ["--redis", redis_url, "--landing", str(landing), "--once", *options]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen([sys.executable, "-c", program, *words], cwd=ROOT, env=env, stdout=subprocess.DEVNULL)


def landed(landing: Path) -> Counter[str]:
    """How often each event id stands in the files that ingest reads."""
    files, refused = list_files(str(landing))
    assert refused == []
    lines = [line for file in files for line in Path(file.path).read_bytes().splitlines()]
    return Counter(json.loads(line)["event_id"] for line in lines)
