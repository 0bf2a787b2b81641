"""One JVM for all Spark jobs of a small machine: a cold JVM takes more than half of a small job's time.

``serve`` keeps a JVM with Spark's Python gateway running. ``submit`` takes the arguments of ``spark-submit`` and runs
the job's Python driver against that JVM, as ``spark-submit`` in client mode does against its own. Each job gets a new
Spark context; jobs run one after another, and what a killed job left in the JVM is stopped before the next one starts.
Without a JVM to join, or with options it cannot honour, ``submit`` becomes the real ``spark-submit``.

A deployment of one machine points its DAGs here by ``FEEDLAKE_SPARK_SUBMIT=infra/spark-submit``; a cluster has no use
for it. ``FEEDLAKE_WARM_SPARK`` is the folder where both sides meet (default ``.run/spark``).
"""

import argparse
import fcntl
import importlib
import json
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
FOLDER = Path(os.environ.get("FEEDLAKE_WARM_SPARK", ROOT / ".run" / "spark"))
SPARK_SUBMIT = Path(sys.executable).parent / "spark-submit"
HONOURED = ("--master", "--name", "--properties-file")
"""Options with the values that the JVM was started with; a job sets its own name."""


def serve(properties: Path) -> None:
    """Start the JVM, write its address to ``gateway.json`` (for its owner's eyes only), stay until terminated."""
    from pyspark.java_gateway import launch_gateway  # noqa: PLC0415 - the submitter does without Spark's modules

    os.environ["PYSPARK_SUBMIT_ARGS"] = f"--properties-file {properties} pyspark-shell"
    os.environ["PYTHONPATH"] = str(ROOT)  # the JVM's Python workers import the jobs' modules
    gateway: Any = launch_gateway()  # type: ignore[no-untyped-call]
    address = {"port": gateway.java_parameters.port, "secret": gateway.java_parameters.auth_token}
    FOLDER.mkdir(parents=True, exist_ok=True)
    path, new = FOLDER / "gateway.json", FOLDER / "gateway.json.new"
    new.touch(mode=0o600)
    new.write_text(json.dumps(address))
    new.rename(path)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        gateway.proc.wait()
    finally:
        path.unlink(missing_ok=True)
        gateway.proc.kill()


def submit(arguments: Sequence[str]) -> None:
    """Become the job's driver on the running JVM, or the real ``spark-submit`` if no JVM is running."""
    python = os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    job = job_of(arguments)
    joined = {} if job is None else join()
    if not job or not joined:
        os.execv(SPARK_SUBMIT, [str(SPARK_SUBMIT), *arguments])  # noqa: S606
    os.execve(python, [python, *job], {**os.environ, **joined, "PYTHONUNBUFFERED": "YES"})  # noqa: S606


def job_of(arguments: Sequence[str]) -> list[str] | None:
    """The application and its own arguments; None if the submission has options that only a new JVM can honour."""
    position = 0
    while position < len(arguments) and arguments[position] in HONOURED:
        position += 2
    job = list(arguments[position:])
    return None if not job or job[0].startswith("-") else job


def join() -> dict[str, str]:
    """Wait for the job before this one, clean up after it; returns the environment that makes PySpark use the JVM.

    Empty if no JVM answers. The lock is held until the process that this one becomes has ended, however it ends.
    """
    py4j = importlib.import_module("py4j.java_gateway")  # only the lake environment has it
    try:
        address = json.loads((FOLDER / "gateway.json").read_text())
    except FileNotFoundError:
        return {}
    lock = os.open(FOLDER / "lock", os.O_CREAT | os.O_RDWR, 0o600)
    os.set_inheritable(lock, True)  # noqa: FBT003
    fcntl.flock(lock, fcntl.LOCK_EX)
    parameters = py4j.GatewayParameters(port=address["port"], auth_token=address["secret"])
    try:
        tidy_up(py4j.JavaGateway(gateway_parameters=parameters).jvm)
    except py4j.Py4JNetworkError:
        return {}
    return {"PYSPARK_GATEWAY_PORT": str(address["port"]), "PYSPARK_GATEWAY_SECRET": address["secret"]}


def tidy_up(jvm: Any) -> None:
    """Stop the Spark context of a killed job, clear caches of earlier jobs, reset the peak of memory."""
    active = getattr(getattr(jvm.org.apache.spark, "SparkContext$"), "MODULE$").getActive()
    if active.isDefined():
        active.get().cancelAllJobs()  # tasks outlive a context that is merely stopped
        active.get().stop()
    jvm.org.apache.spark.sql.classic.SparkSession.clearActiveSession()
    jvm.org.apache.spark.sql.classic.SparkSession.clearDefaultSession()
    jvm.org.apache.spark.sql.delta.DeltaLog.clearCache()  # snapshots hold on to the context that read them
    jvm.System.gc()
    clear_refs = Path(f"/proc/{jvm.java.lang.ProcessHandle.current().pid()}/clear_refs")
    if clear_refs.exists():
        clear_refs.write_text("5")


def main() -> None:
    """Command line: ``warm_spark.py serve [--properties-file F]`` or ``warm_spark.py submit <as spark-submit>``."""
    if sys.argv[1:2] == ["submit"]:
        submit(sys.argv[2:])
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["serve", "submit"])
    parser.add_argument("--properties-file", type=Path, default=".jars/spark.conf", help="default: %(default)s")
    serve(parser.parse_args().properties_file)


if __name__ == "__main__":
    main()
