"""Spark's settings for nights on a cluster: those of one machine, and what executors elsewhere need besides.

``python infra/cluster_conf.py --master spark://host:7077 > cluster.conf``; jobs, DAGs and commands read the file that
``FEEDLAKE_SPARK_CONF`` names. Every machine of the cluster has this checkout, set up, at the same path
(``docs/cluster.md``).
"""

import argparse
import socket
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ONE_MACHINE = ("spark.driver.host", "spark.driver.bindAddress")
"""They say that nobody but this machine reaches the driver."""


def read_conf(text: str) -> dict[str, str]:
    """Settings of a properties file, by name, in its order."""
    lines = (line.split(maxsplit=1) for line in text.splitlines() if line.strip() and not line.startswith("#"))
    return {name: value.strip() for name, value in lines}


def cluster_conf(
    local: dict[str, str], *, master: str, driver_host: str, executor_memory: str, checkpoints: str, python: str
) -> dict[str, str]:
    """Settings of a cluster from those of one machine.

    ``checkpoints`` is a folder that every machine sees. Raises ``ValueError`` where ``master`` is no standalone
    cluster.
    """
    if not master.startswith("spark://"):
        raise ValueError(f"--master {master} is no standalone cluster: name one as spark://host:7077")
    kept = {name: value for name, value in local.items() if name not in ONE_MACHINE}
    jars = local["spark.driver.extraClassPath"]
    logging = next(word for word in local["spark.driver.extraJavaOptions"].split() if "log4j2" in word)
    return kept | {
        "spark.master": master,
        "spark.driver.host": driver_host,
        "spark.executor.memory": executor_memory,
        "spark.executor.extraClassPath": jars,
        "spark.executor.extraJavaOptions": f"{logging} -Djdk.lang.Process.launchMechanism=VFORK",
        "spark.executorEnv.PYTHONPATH": str(ROOT),
        "spark.pyspark.python": python,
        "spark.checkpoint.dir": checkpoints,
        # A second attempt beside a slow one would write to Redis twice.
        "spark.speculation": "false",
    }


def main() -> None:
    """Print the settings."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--master", required=True, help="the cluster, as spark://host:7077")
    parser.add_argument("--checkpoints", required=True, help="folder or URI that every machine of the cluster sees")
    parser.add_argument("--driver-host", default=socket.gethostname(), help="this machine's name (here: %(default)s)")
    parser.add_argument("--executor-memory", default="4g", help="heap of each executor (default: %(default)s)")
    parser.add_argument("--conf", type=Path, default=ROOT / ".jars" / "spark.conf", help="settings of one machine")
    options = parser.parse_args()
    try:
        conf = cluster_conf(
            read_conf(options.conf.read_text()),
            master=options.master,
            driver_host=options.driver_host,
            executor_memory=options.executor_memory,
            checkpoints=options.checkpoints,
            python=sys.executable,
        )
    except FileNotFoundError:
        parser.error(f"{options.conf} is missing: run `make setup` first")
    except ValueError as error:
        parser.error(str(error))
    print("\n".join(f"{name:64} {value}" for name, value in conf.items()))


if __name__ == "__main__":
    main()
