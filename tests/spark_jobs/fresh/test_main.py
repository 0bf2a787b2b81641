"""The process of the passes, without Spark: what a failed pass does to it."""

from pathlib import Path
from unittest.mock import MagicMock

import pytest

from spark_jobs.fresh import __main__ as process


class StoppedError(Exception):
    """Stands for the signal that ends the process."""


@pytest.fixture
def words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setattr(process, "open_session", lambda _: MagicMock())
    return ["--lake", str(tmp_path), "--landing", str(tmp_path)]


def fails(_: object) -> list[str]:
    raise RuntimeError("job aborted\n  PublishFailed: Redis ran out of memory for fresh posts\n  at line 5")


def test_a_pass_that_fails_in_a_worker_says_why(
    words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(process, "run_pass", fails)
    assert process.main(words) == 1
    assert capsys.readouterr().err.splitlines()[-1] == "PublishFailed: Redis ran out of memory for fresh posts"


def test_a_failed_pass_does_not_end_a_process_that_makes_many(
    words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []
    dropped: list[object] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 2:
            raise StoppedError

    monkeypatch.setattr(process, "run_pass", fails)
    monkeypatch.setattr(process, "drop_checkpoints", dropped.append)
    monkeypatch.setattr("time.sleep", sleep)
    with pytest.raises(StoppedError):
        process.main([*words, "--every", "60"])
    assert (len(slept), len(dropped)) == (2, 3), "after each pass, and at the end"
