"""The training process is given every setting of the night that is no default."""

from contextlib import suppress
from dataclasses import replace
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from contracts.settings import Models, PoolRules, Settings
from contracts.settings.load import load
from contracts.settings.options import VARIABLE
from spark_jobs.night.lake import Lake
from spark_jobs.night.night import Night
from spark_jobs.train import models


def night_with(tmp_path: Path, settings: Settings) -> Night:
    no_spark: Any = None
    return Night(Lake(no_spark, "memory"), date(2026, 3, 8), "landing", tmp_path, settings)


def test_the_command_makes_the_nights_settings_again(tmp_path: Path) -> None:
    settings = replace(Settings(), pool=PoolRules(size=50), models=Models(heavy="base", light="tiny"), seed=7)
    words = models.train_command(night_with(tmp_path, settings), "light")
    changes = [value for option, value in pairwise(words) if option == "--set"]
    assert load(None, None, changes).settings == settings
    assert models.train_command(night_with(tmp_path, Settings()), "heavy")[-2:] == ["--role", "heavy"]


def test_the_process_reads_no_settings_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, str] = {}

    def start(_: list[str], env: dict[str, str], **__: object) -> None:
        seen.update(env)
        raise InterruptedError

    monkeypatch.setenv(VARIABLE, "night.toml")
    monkeypatch.setattr("subprocess.Popen", start)
    monkeypatch.setattr(Lake, "create", lambda *_: None)
    with suppress(InterruptedError):
        models.main(night_with(tmp_path, Settings()))
    assert seen["PYTHONPATH"]
    assert VARIABLE not in seen
