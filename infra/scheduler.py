"""The demo's client of Airflow's REST API: trigger a night, follow it, end running ones. Standard library only."""

import json
import re
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime
from typing import Any

from infra import services

DAG = "nightly_feed"
FINAL = ("success", "failed")
NUM_LINES = 10
"""Number of last lines of a task's log to show if they hold no exception."""

_SENTENCE = re.compile(r"\s*(\w+\.)*\w*[A-Z]\w*: \S")
"""The last line of a Python trace: the exception's class, a colon, its message."""


class Airflow:
    """The few calls of Airflow's REST API that the demo needs."""

    def __init__(self, url: str) -> None:
        self.url = url
        token = self._call("/auth/token", method="GET")["access_token"]
        self.headers = {"Authorization": f"Bearer {token}"}

    def _call(self, path: str, body: dict[str, Any] | None = None, method: str = "GET") -> dict[str, Any]:
        request = urllib.request.Request(  # noqa: S310 - our own loopback address
            f"{self.url}{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json", **getattr(self, "headers", {})},
            method=method,
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as response:  # noqa: S310
                return dict(json.load(response))
        except urllib.error.HTTPError:
            raise
        except urllib.error.URLError as error:
            raise SystemExit(
                f"Airflow no longer answers at {self.url} ({error.reason}): it was stopped, or"
                " .run/airflow-api-server.log says why; `make demo` starts it and the night again"
            ) from None

    def wait_for_dag(self, timeout_s: float = 120.0) -> None:
        """Wait until the DAG processor has read the DAG; raises with its import errors when it could not."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            try:
                self._call(f"/api/v2/dags/{DAG}/details")
            except urllib.error.HTTPError:
                errors = self._call("/api/v2/importErrors")["import_errors"]
                if errors:
                    raise SystemExit(f"the DAG does not load:\n{errors[0]['stack_trace']}") from None
                time.sleep(1)
            else:
                return
        raise SystemExit(f"Airflow has not loaded {DAG} within {timeout_s:.0f} s; see .run/airflow-dag-processor.log")

    def trigger(self, name: str, conf: dict[str, str]) -> str:
        """Unpause the DAG and start a run of the data set ``name`` with these params; returns the run id."""
        self._call(f"/api/v2/dags/{DAG}", {"is_paused": False}, "PATCH")
        run_id = f"demo__{name}__{datetime.now(UTC):%Y%m%dT%H%M%S}"
        body = {"dag_run_id": run_id, "logical_date": None, "conf": conf}
        self._call(f"/api/v2/dags/{DAG}/dagRuns", body, "POST")
        return run_id

    def state(self, run_id: str) -> str:
        """State of a run."""
        return str(self._call(f"/api/v2/dags/{DAG}/dagRuns/{run_id}")["state"])

    def runs(self, *states: str) -> list[str]:
        """Runs in any of ``states``; one at a time is ``running`` (``max_active_runs``), others queue behind it."""
        query = "&".join(f"state={state}" for state in states)
        return [str(run["dag_run_id"]) for run in self._call(f"/api/v2/dags/{DAG}/dagRuns?{query}")["dag_runs"]]

    def end(self, run_id: str) -> None:
        """Stop a run's tasks and mark it failed."""
        self._call(f"/api/v2/dags/{DAG}/dagRuns/{run_id}", {"state": "failed"}, "PATCH")

    def reason(self, run_id: str, task_id: str, attempt: int) -> list[str]:
        """Why an attempt of a task failed: the last lines of its log."""
        path = f"/api/v2/dags/{DAG}/dagRuns/{run_id}/taskInstances/{task_id}/logs/{attempt}?full_content=true"
        try:
            content = self._call(path)["content"]
        except urllib.error.HTTPError as error:
            return [f"its log cannot be read: {error}"]
        return last_words(content)

    def tasks(self, run_id: str) -> list[dict[str, Any]]:
        """Task instances of a run."""
        return list(self._call(f"/api/v2/dags/{DAG}/dagRuns/{run_id}/taskInstances?limit=200")["task_instances"])


def last_words(log: list[Any]) -> list[str]:
    """The end of a task's log: the message of its last exception, else its last lines.

    ``log`` holds events, of which an error has ``error_detail`` (one entry per exception), or lines that Airflow could
    not read as events. An exception of a submitted job quotes the job's output with its trace; the last line of the
    innermost trace is the most useful one.
    """
    text: list[str] = []
    messages: list[str] = []
    for entry in log:
        event = entry if isinstance(entry, dict) else {"event": entry}
        text += str(event["event"]).splitlines()
        messages = [str(detail["exc_value"]) for detail in event.get("error_detail") or []] or messages
    lines = [line for part in messages for line in part.splitlines()] or text
    sentences = [line.strip() for line in lines if _SENTENCE.match(line)]
    return sentences[-1:] or [line.rstrip() for line in lines if line.strip()][-NUM_LINES:]


def follow(airflow: Airflow, run_id: str) -> tuple[str, list[dict[str, Any]]]:
    """Print each task as it starts and ends; returns the run's state and its tasks."""
    seen: dict[str, str] = {}
    started = time.monotonic()
    if airflow.state(run_id) == "queued":
        for earlier in set(airflow.runs("running")) - {run_id}:
            print(f"  it waits for {earlier}, which is still at work (`make stop` ends it)", flush=True)
    while True:
        state, tasks = airflow.state(run_id), airflow.tasks(run_id)
        total = len(tasks)
        done = sum(task["state"] in (*FINAL, "upstream_failed", "skipped") for task in tasks)
        for task in sorted(tasks, key=lambda t: str(t["start_date"])):
            name, now = task["task_id"], str(task["state"])
            if seen.get(name) == now:
                continue
            seen[name] = now
            at = f"{time.monotonic() - started:5.0f} s"
            if now == "running" and ".validate_" not in name:
                print(f"  {at}  {done:2}/{total}  … {name}", flush=True)
            elif now in (*FINAL, "upstream_failed", "up_for_retry"):
                mark = {"success": "✓", "failed": "✗"}.get(now, "·")
                took = f"{task['duration']:.1f} s" if task["duration"] else now
                print(f"  {at}  {done:2}/{total}  {mark} {name} ({took})", flush=True)
        if state in FINAL:
            return state, tasks
        time.sleep(1.5)


def end_runs() -> None:
    """End running runs; otherwise the scheduler would continue them at its next start."""
    url = f"http://127.0.0.1:{services.ports()['airflow']}"
    if not (services.is_running("airflow-api-server") and services.answers(f"{url}/api/v2/monitor/health")):
        return
    airflow = Airflow(url)
    for run_id in airflow.runs("running", "queued"):
        print(f"ending {run_id}")
        airflow.end(run_id)
