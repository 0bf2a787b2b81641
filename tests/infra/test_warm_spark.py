"""Which submissions join the shared JVM; all others use Spark's own spark-submit."""

import os
import subprocess
from pathlib import Path

import pytest

from infra.warm_spark import job_of

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("arguments", "job"),
    [
        (["job.py"], ["job.py"]),
        (["--master", "local[2]", "--name", "a b", "job.py", "--name", "mine"], ["job.py", "--name", "mine"]),
        (["--properties-file", "f", "job.py"], ["job.py"]),
        (["--conf", "spark.driver.memory=9g", "job.py"], None),
        (["--master", "local", "--executor-cores", "2", "job.py"], None),
        (["--name", "only options"], None),
        (["--version"], None),
        ([], None),
    ],
)
def test_only_options_that_the_running_jvm_has_let_a_job_join(arguments: list[str], job: list[str] | None) -> None:
    assert job_of(arguments) == job


@pytest.mark.parametrize("address", [None, '{"port": 9, "secret": "gone"}'], ids=["never started", "died"])
def test_without_a_jvm_to_join_it_is_sparks_own(tmp_path: Path, address: str | None) -> None:
    if address is not None:
        (tmp_path / "gateway.json").write_text(address)
    job = tmp_path / "job.py"
    job.write_text("import os; print('gateway of its own', os.environ['PYSPARK_GATEWAY_PORT'] != '9')")
    command: list[str | Path] = [
        ROOT / "infra" / "spark-submit",
        "--properties-file",
        ROOT / ".jars" / "spark.conf",
        job,
    ]
    env = {**os.environ, "FEEDLAKE_WARM_SPARK": str(tmp_path)}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.splitlines()[-1] == "gateway of its own True"
