"""A Spark standalone cluster for tests: a master and workers, each a process tree that can be killed."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import pyspark

from infra.cluster_conf import ROOT, cluster_conf, read_conf
from tests.nights import free_port, wait_until_open

SPARK_CLASS = Path(pyspark.__file__).parent / "bin" / "spark-class"
DEPLOY = "org.apache.spark.deploy"


@dataclass(frozen=True)
class Cluster:
    """A standalone cluster: ``conf`` is the properties file of its nights, ``workers`` their processes."""

    conf: Path
    page: str
    workers: list[psutil.Process]

    def alive(self) -> int:
        """How many workers the master believes in."""
        state: dict[str, Any] = httpx.get(f"{self.page}/json/", timeout=60).json()
        return sum(worker["state"] == "ALIVE" for worker in state["workers"])

    def executors(self, worker: int) -> int:
        """How many executors a worker runs."""
        return len(self.workers[worker].children())

    def kill(self, worker: int) -> int:
        """Kill -9 a worker and everything below it; returns how many processes that were."""
        return end_tree(self.workers[worker])


@contextmanager
def spark_cluster(folder: Path, cores: tuple[int, ...], memory: str = "900m") -> Iterator[Cluster]:
    """Start a master and a worker for each of ``cores``, one executor on each; all end with the block."""
    port, page = free_port(), free_port()
    master = f"spark://127.0.0.1:{port}"
    words = ["--host", "127.0.0.1", "--port", str(port), "--webui-port", str(page)]
    with ExitStack() as stack:
        stack.enter_context(_daemon(folder, "master.Master", "master", words))
        wait_until_open(page, 120)
        workers = []
        for number, some in enumerate(cores):
            own = ["--cores", str(some), "--memory", "2g", "--host", "127.0.0.1", "--webui-port", str(free_port())]
            own += ["--work-dir", str(folder / f"work-{number}"), master]
            workers.append(stack.enter_context(_daemon(folder, "worker.Worker", f"worker-{number}", own)))
        conf = folder / "cluster.conf"
        settings = cluster_conf(
            read_conf((ROOT / ".jars" / "spark.conf").read_text()),
            master=master,
            driver_host="127.0.0.1",
            executor_memory=memory,
            checkpoints=str(folder / "checkpoints"),
            python=sys.executable,
        )
        settings |= {"spark.eventLog.enabled": "true", "spark.eventLog.dir": str(folder / "events")}
        settings["spark.eventLog.compress"] = "false"
        (folder / "events").mkdir()
        conf.write_text("".join(f"{name} {value}\n" for name, value in settings.items()))
        cluster = Cluster(conf, f"http://127.0.0.1:{page}", workers)
        deadline = time.monotonic() + 180
        while cluster.alive() < len(cores):
            assert time.monotonic() < deadline, "\n".join(log.read_text() for log in folder.glob("*.log"))
            time.sleep(0.2)
        yield cluster


@contextmanager
def _daemon(folder: Path, name: str, log: str, words: list[str]) -> Iterator[psutil.Process]:
    env = {**os.environ, "SPARK_DAEMON_MEMORY": "192m", "SPARK_LOCAL_DIRS": str(folder / f"local-{log}")}
    env |= {"SPARK_LOCAL_IP": "127.0.0.1", "SPARK_HOME": str(SPARK_CLASS.parents[1])}
    with (folder / f"{log}.log").open("wb") as output:
        command = [str(SPARK_CLASS), f"{DEPLOY}.{name}", *words]
        process = psutil.Popen(command, env=env, stdout=output, stderr=output)
    try:
        yield process
    finally:
        end_tree(process)
        process.wait()


def end_tree(process: psutil.Process) -> int:
    """Kill -9 a process and its descendants; returns how many there were."""
    if not process.is_running():
        return 0
    tree = [process, *process.children(recursive=True)]
    for one in tree:
        try:
            one.kill()
        except psutil.NoSuchProcess:
            continue
    return len(tree)
