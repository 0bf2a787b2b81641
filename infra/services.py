"""Start and stop the services of a demo or a test: Redis, Spark, Airflow, the feed API. Standard library only.

Every process gets a pid file and a log under ``.run/``; ``stop`` ends them all. Ports are private (loopback) and
chosen once, so that a second start finds what the first one left running.
"""

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RUN = ROOT / ".run"
AIRFLOW = ROOT / ".venv" / "airflow" / "bin"
LAKE = ROOT / ".venv" / "lake" / "bin"
SPARK_SUBMIT = ROOT / "infra" / "spark-submit"
PORTS = ("redis", "airflow", "feed", "events", "collector")
AUDIENCE = "feedlake-demo"
DEMO_AUDIENCE = ("--set", f"reader.token_audience={AUDIENCE}")
"""A service in production does not accept the demo's tokens, even with the same secret."""
MAX_DATA_SETS = 1024
"""Number of Redis databases: one for each data set, and for each night that is run by itself."""


def ports() -> dict[str, int]:
    """Loopback ports of the services in ``PORTS``; free ones are picked on first use and remembered."""
    path = RUN / "ports.json"
    known: dict[str, int] = json.loads(path.read_text()) if path.exists() else {}
    missing = [name for name in PORTS if name not in known]
    if not missing:
        return known
    with ExitStack() as stack:
        for name in missing:
            held = stack.enter_context(socket.socket())
            held.bind(("127.0.0.1", 0))
            known[name] = held.getsockname()[1]
    RUN.mkdir(exist_ok=True)
    path.write_text(json.dumps(known))
    return known


def erasure_key_file() -> Path:
    """File with the key by which nights recognise erased users, see docs/erasure.md."""
    return secret_file("erasure_key")


def secret_file(name: str = "jwt_secret") -> Path:
    """File with a key, by default the one that signs feed tokens; made once, readable by its owner only."""
    path = RUN / name
    if not path.exists():
        RUN.mkdir(exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(secrets.token_hex(32))
    return path


def is_running(name: str) -> bool:
    """Whether the process of ``name``'s pid file is alive."""
    path = RUN / f"{name}.pid"
    if not path.exists():
        return False
    try:
        stat = Path(f"/proc/{path.read_text().strip()}/stat").read_text()
    except OSError:
        return False
    return stat.rsplit(")", 1)[1].split()[0] != "Z"


def start(name: str, command: Sequence[str], env: Mapping[str, str] | None = None) -> None:
    """Start ``command`` in its own process group, logging to ``.run/<name>.log``, unless it is already running."""
    if is_running(name):
        return
    RUN.mkdir(exist_ok=True)
    with (RUN / f"{name}.log").open("ab") as log:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    (RUN / f"{name}.pid").write_text(str(process.pid))


def stop(name: str, patience_s: float = 10.0) -> None:
    """End one process group: TERM, then KILL after ``patience_s``."""
    path = RUN / f"{name}.pid"
    if is_running(name):
        group = int(path.read_text())
        os.killpg(group, signal.SIGTERM)
        deadline = time.monotonic() + patience_s
        while is_running(name) and time.monotonic() < deadline:
            time.sleep(0.1)
        if is_running(name):
            os.killpg(group, signal.SIGKILL)
        print(f"stopped {name}")
    path.unlink(missing_ok=True)


def stop_all() -> None:
    """End everything that was started, readers first."""
    services = ("feed", "collector", "drain", "events")
    for name in (*services, "airflow-scheduler", "airflow-dag-processor", "airflow-api-server", "spark", "redis"):
        stop(name)


def wait_for(what: str, ready: Callable[[], bool], name: str, timeout_s: float = 180.0) -> None:
    """Wait until ``ready``; raises ``SystemExit`` with the end of the log when it dies or takes too long."""
    deadline = time.monotonic() + timeout_s
    while not ready():
        if not is_running(name) or time.monotonic() > deadline:
            log = (RUN / f"{name}.log").read_text(errors="replace")[-2000:]
            raise SystemExit(f"{what} did not start; the end of .run/{name}.log says:\n{log}")
        time.sleep(0.3)


def answers(url: str) -> bool:
    """Whether a GET of ``url`` gives 200."""
    try:
        with urllib.request.urlopen(url, timeout=5) as response:  # noqa: S310 - our own loopback address
            return bool(response.status == 200)  # noqa: PLR2004
    except (urllib.error.URLError, OSError):
        return False


def start_redis() -> str:
    """Start Redis on loopback with ``noeviction`` and its data under ``.run/redis``; returns its URL without a db."""
    port = ports()["redis"]
    folder = RUN / "redis"
    folder.mkdir(parents=True, exist_ok=True)
    options = {"--port": str(port), "--bind": "127.0.0.1", "--dir": str(folder), "--maxmemory-policy": "noeviction"}
    options["--databases"] = str(MAX_DATA_SETS)
    start("redis", ["redis-server", *(word for pair in options.items() for word in pair)])
    wait_for("Redis", lambda: is_open(port), "redis")
    return f"redis://127.0.0.1:{port}"


def is_open(port: int) -> bool:
    """Whether something listens on a loopback port."""
    with socket.socket() as connection:
        return connection.connect_ex(("127.0.0.1", port)) == 0


def redis_database(data_set: str) -> int:
    """Number of a data set's Redis database, remembered, so that the epochs of two never mix."""
    path = RUN / "databases.json"
    known: dict[str, int] = json.loads(path.read_text()) if path.exists() else {}
    if data_set not in known:
        known[data_set] = len(known)
        RUN.mkdir(exist_ok=True)
        path.write_text(json.dumps(known))
    return known[data_set]


def start_spark() -> None:
    """Start the JVM that the demo's Spark jobs share, see infra/warm_spark.py."""
    gateway = RUN / "spark" / "gateway.json"
    if not is_running("spark"):
        gateway.unlink(missing_ok=True)
    start("spark", [str(LAKE / "python"), "infra/warm_spark.py", "serve"])
    wait_for("Spark", gateway.exists, "spark")


def airflow_environment(data: Path, redis_url: str) -> dict[str, str]:
    """Airflow's configuration: loopback only, SQLite, one task slot per core."""
    cores = os.cpu_count() or 2
    port = ports()["airflow"]
    settings = {
        "CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "CORE__PLUGINS_FOLDER": str(ROOT / "dags" / "plugins"),
        "CORE__LOAD_EXAMPLES": "False",
        "CORE__EXECUTOR": "LocalExecutor",
        "CORE__PARALLELISM": str(cores + 1),  # a validating task never waits for a slot
        "CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",  # reachable from this machine only
        "CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
        "API__HOST": "127.0.0.1",
        "API__PORT": str(port),
        "API__BASE_URL": f"http://127.0.0.1:{port}",
        "API__WORKERS": "1",
        "API_AUTH__JWT_SECRET": secret_file().read_text(),
        "EXECUTION_API__JWT_EXPIRATION_TIME": "86400",  # longer than the longest job
        "DAG_PROCESSOR__REFRESH_INTERVAL": "300",
        "DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "120",
        "DAG_PROCESSOR__DAG_VERSION_INFLATION_CHECK_LEVEL": "error",
        "SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.5",
        "LOGGING__LOGGING_LEVEL": "WARNING",
        "USAGE_DATA_COLLECTION__ENABLED": "False",
    }
    return {
        **{f"AIRFLOW__{key}": value for key, value in settings.items()},
        "AIRFLOW_HOME": str(RUN / "airflow"),
        "AIRFLOW_CONN_FEEDLAKE_SPARK": json.dumps({"conn_type": "spark", "host": f"local[{cores}]"}),
        "FEEDLAKE_HOME": str(ROOT),
        "FEEDLAKE_DATA": str(data),
        "FEEDLAKE_REPORTS": str(RUN / "reports"),
        "FEEDLAKE_SCHEDULE": "",  # a demo's data end in the past: its nights are triggered, never scheduled
        "FEEDLAKE_FRESH_SCHEDULE": "",
        "FEEDLAKE_REDIS": redis_url,
        "FEEDLAKE_ERASURE_KEY_FILE": str(erasure_key_file()),
        "FEEDLAKE_SPARK_SUBMIT": str(SPARK_SUBMIT),
        "PYTHONPATH": str(ROOT),
        "PATH": f"{AIRFLOW}{os.pathsep}{os.environ['PATH']}",
    }


def start_airflow(data: Path, redis_url: str) -> str:
    """Start the scheduler, the DAG processor and the API server; returns the UI's address."""
    url = f"http://127.0.0.1:{ports()['airflow']}"
    env = airflow_environment(data, redis_url)
    airflow = str(AIRFLOW / "airflow")
    if not is_running("airflow-api-server"):
        full = {**os.environ, **env}
        for words in (["db", "migrate"], ["pools", "set", "publish", "1", "one publisher at a time"]):
            done = subprocess.run([airflow, *words], env=full, cwd=ROOT, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                raise SystemExit(f"airflow {' '.join(words)} failed:\n{done.stderr[-2000:]}")
    for component in ("api-server", "scheduler", "dag-processor"):
        start(f"airflow-{component}", [airflow, component], env)
    wait_for("Airflow", lambda: answers(f"{url}/api/v2/monitor/health"), "airflow-api-server")
    return url


def start_feed(redis_url: str, records: Path) -> str:
    """(Re)start the feed API with its page on ``redis_url``, recording all pages for replays; returns its address."""
    port = ports()["feed"]
    url = f"http://127.0.0.1:{port}"
    stop("feed")
    command = [str(LAKE / "python"), "-m", "serving.reader", "--host", "127.0.0.1", "--port", str(port)]
    env = {"FEEDLAKE_JWT_SECRET_FILE": str(secret_file()), "PYTHONPATH": str(ROOT)}
    demo = ["--set", "reader.mode=demo", *DEMO_AUDIENCE, "--collector", f"http://127.0.0.1:{ports()['collector']}"]
    demo += ["--records", str(records), "--set", "reader.replay_share=1"]
    start("feed", [*command, "--redis", redis_url, *demo], env)
    wait_for("the feed API", lambda: answers(f"{url}/healthz"), "feed")
    return url


if __name__ == "__main__":
    print(f"redis://127.0.0.1:{ports()['redis']}/{redis_database(sys.argv[1])}")  # of the data set that is named
