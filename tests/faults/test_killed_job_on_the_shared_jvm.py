"""A job killed on the shared JVM leaves nothing running; concurrent jobs run one after another."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOREVER = """
from spark_jobs.night.session import open_session
spark = open_session("forever")
print("begins", flush=True)
spark.range(10**15).selectExpr("sum(hash(id))").collect()
"""
SHORT = """
import time
from spark_jobs.night.session import open_session
spark = open_session("short")
context = spark.sparkContext
begun = time.time()
rows = spark.range(1000).count()
time.sleep(1)
threads = context._jvm.java.lang.Thread.getAllStackTraces().keySet()
at_work = sum("task launch" in t.getName() and t.getState().toString() == "RUNNABLE" for t in threads)
print("result", rows, context.applicationId, at_work, begun, time.time(), context._gateway.java_parameters.port)
spark.stop()
"""


class Jobs:
    """Submits scripts to one shared JVM."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.env = {**os.environ, "FEEDLAKE_WARM_SPARK": str(folder), "PYTHONPATH": str(ROOT)}

    def submit(self, script: str) -> subprocess.Popen[str]:
        path = self.folder / f"{abs(hash(script))}.py"
        path.write_text(script)
        return subprocess.Popen(
            [ROOT / "infra" / "spark-submit", path], env=self.env, stdout=subprocess.PIPE, text=True
        )

    def result(self, job: subprocess.Popen[str]) -> list[str]:
        output, _ = job.communicate(timeout=120)
        assert job.returncode == 0
        found = re.search(r"^result (.*)$", output, re.MULTILINE)
        assert found is not None, output
        return found[1].split()


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[Jobs]:
    jobs = Jobs(tmp_path)
    command: list[str | Path] = [sys.executable, ROOT / "infra" / "warm_spark.py", "serve"]
    server = subprocess.Popen(command, env=jobs.env, cwd=ROOT, start_new_session=True, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not (tmp_path / "gateway.json").exists():
        assert server.poll() is None, "the shared JVM did not start"
        assert time.monotonic() < deadline
        time.sleep(0.1)
    yield jobs
    os.killpg(server.pid, signal.SIGKILL)


def test_a_killed_job_is_stopped_before_the_next_begins(jobs: Jobs) -> None:
    killed = jobs.submit(FOREVER)
    assert killed.stdout is not None
    assert "begins" in killed.stdout.readline()
    time.sleep(2)
    killed.kill()
    rows, application, at_work, *_ = jobs.result(jobs.submit(SHORT))
    assert rows == "1000"
    assert at_work == "0", "tasks of the killed job are still at work"
    assert jobs.result(jobs.submit(SHORT))[1] != application, "each job has a Spark context of its own"


def test_jobs_run_one_after_another_on_one_jvm(jobs: Jobs) -> None:
    results = [jobs.result(job) for job in [jobs.submit(SHORT), jobs.submit(SHORT)]]
    assert len({result[5] for result in results}) == 1, "both joined the same JVM"
    (_, end), (begin, _) = sorted((float(result[3]), float(result[4])) for result in results)
    assert end <= begin
