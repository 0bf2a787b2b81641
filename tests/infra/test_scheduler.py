"""The demo's calls to Airflow, answered by a server that imitates its REST API."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from infra import scheduler, services


class RestApi(BaseHTTPRequestHandler):
    """Keeps the state of each run in ``states``; a GET of a run that is at work finds it successful the next time."""

    states: dict[str, str]

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        run_id = parts.path.rsplit("/", 1)[1]
        wanted = parse_qs(parts.query).get("state", [])
        if parts.path == "/auth/token":
            self.answer({"access_token": "t"})
        elif parts.path.endswith("/dagRuns"):
            self.answer({"dag_runs": [{"dag_run_id": key} for key, state in self.states.items() if state in wanted]})
        elif parts.path.endswith("/taskInstances"):
            self.answer({"task_instances": []})
        elif "/logs/" in parts.path:
            self.log(parts.path.split("/")[-3], run_id)
        elif run_id in self.states:
            self.answer({"state": self.states[run_id]})
            self.states[run_id] = "success"
        else:
            self.answer({})

    def log(self, task_id: str, attempt: str) -> None:
        if task_id == "lost.run":
            self.send_error(404)
            return
        value = f"Cannot execute\nTrainingFailed: attempt {attempt} of {task_id}"
        self.answer({"content": [{"event": "failed", "error_detail": [{"exc_value": value}]}]})

    def do_PATCH(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.states[self.path.rsplit("/", 1)[1]] = body["state"]
        self.answer(body)

    def answer(self, body: object) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        """Keep the test's output clean."""


@pytest.fixture
def states(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    RestApi.states = {"earlier": "running", "mine": "queued", "done": "success"}
    with HTTPServer(("127.0.0.1", 0), RestApi) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setattr(services, "ports", lambda: {"airflow": server.server_port})
        monkeypatch.setattr(services, "is_running", lambda _name: True)
        yield RestApi.states
        server.shutdown()


def test_stopping_ends_the_runs_that_are_under_way(
    states: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    scheduler.end_runs()
    assert states == {"earlier": "failed", "mine": "failed", "done": "success"}
    assert "ending earlier" in capsys.readouterr().out
    states["earlier"] = "running"
    monkeypatch.setattr(services, "is_running", lambda _name: False)
    scheduler.end_runs()
    assert states["earlier"] == "running"


@pytest.mark.usefixtures("states")
def test_a_queued_night_says_what_it_waits_for(capsys: pytest.CaptureFixture[str]) -> None:
    airflow = scheduler.Airflow(f"http://127.0.0.1:{services.ports()['airflow']}")
    assert scheduler.follow(airflow, "mine") == ("success", [])
    assert "waits for earlier, which is still at work" in capsys.readouterr().out


def test_a_server_that_went_away_is_told_in_words() -> None:
    with pytest.raises(SystemExit, match=r"no longer answers at http://127\.0\.0\.1:9 "):
        scheduler.Airflow("http://127.0.0.1:9")


TRACE = """Cannot execute: ['infra/spark-submit', 'run.py']. Error code is: 1.
Last spark-submit output:
Traceback (most recent call last):
  File "run.py", line 170, in main
ValueError: gold.models has no row
During handling of the above exception, another exception occurred:
spark_jobs.preflight.preflight.NightRefused: the night stops at its start
"""


@pytest.mark.parametrize(
    ("log", "told"),
    [
        (
            [
                {"event": "Task failed with exception", "error_detail": [{"exc_type": "E", "exc_value": TRACE}]},
                {"event": "the task ended"},
            ],
            ["spark_jobs.preflight.preflight.NightRefused: the night stops at its start"],
        ),
        (
            [{"event": "e", "error_detail": [{"exc_value": "Bash command failed.\nIt returned 1"}]}],
            ["Bash command failed.", "It returned 1"],
        ),
        ([*(f"line {number}" for number in range(20)), ""], [f"line {number}" for number in range(10, 20)]),
        ([{"event": "JVM says\n\tat org.apache.Spark"}], ["JVM says", "\tat org.apache.Spark"]),
        ([], []),
    ],
)
def test_the_reason_of_a_failed_task_is_the_last_that_its_log_says(log: list[Any], told: list[str]) -> None:
    assert scheduler.last_words(log) == told


@pytest.mark.usefixtures("states")
def test_the_log_of_a_failed_task_is_asked_for_and_may_be_gone() -> None:
    airflow = scheduler.Airflow(f"http://127.0.0.1:{services.ports()['airflow']}")
    assert airflow.reason("mine", "train.run", 2) == ["TrainingFailed: attempt 2 of train.run"]
    assert airflow.reason("mine", "lost.run", 1)[0].startswith("its log cannot be read: HTTP Error 404")
