"""The training process gets every setting of the night that differs from its default."""

import sys
from contextlib import suppress
from dataclasses import replace
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from contracts.settings import Models, PoolRules, Settings, Training
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


def test_several_processes_are_started_by_torchrun(tmp_path: Path) -> None:
    settings = replace(Settings(), training=Training(processes=3))
    alone, together = (models.train_command(night_with(tmp_path, each), "heavy") for each in (Settings(), settings))
    assert alone[1:3] == ["-m", "models.train"]
    assert together[1:8] == [
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--nproc-per-node",
        "3",
        "-m",
        "models.train",
    ]
    assert together[8:] == [*alone[3:], "--set", "training.processes=3"]


@pytest.mark.parametrize(
    ("warm", "served", "given"),
    [(True, ("a" * 16, date(2026, 3, 7)), True), (True, None, False), (False, ("a" * 16, date(2026, 3, 7)), False)],
)
def test_the_heavy_model_alone_begins_with_the_champion(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, warm: bool, served: tuple[str, date] | None, given: bool
) -> None:
    settings = replace(Settings(), models=Models(light="tiny"), training=Training(warm_start=warm))
    started: dict[str, str | None] = {}
    monkeypatch.setattr(models, "last_model", lambda _: served)
    monkeypatch.setattr(models, "_train", lambda _, role, champion: started.update({role: champion}))
    monkeypatch.setattr(models, "forget", lambda *_: None)
    monkeypatch.setattr(Lake, "create", lambda *_: None)
    models.main(night_with(tmp_path, settings))
    assert started == {"heavy": "a" * 16 if given else None, "light": None}
    assert ("--champion" in models.train_command(night_with(tmp_path, settings), "heavy", started["heavy"])) == given


@pytest.mark.parametrize("heavy", [{"model_version": "a" * 16}, {"model_version": None, "reason": "too few days"}])
def test_a_student_learns_from_tonights_heavy_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, heavy: dict[str, str | None]
) -> None:
    no_spark: Any = None
    settings = replace(Settings(), models=Models(light="light", trial="tiny"))
    lake = Lake(no_spark, str(tmp_path / "lake"))
    night = Night(lake, date(2026, 3, 8), "landing", tmp_path / "runs", settings)
    started: dict[str, str | None] = {}

    def train(night: Night, role: str, champion: str | None = None, teacher: str | None = None) -> None:
        assert champion is None
        started[role] = teacher
        if role == "heavy":
            night.files.training().write(heavy)

    monkeypatch.setattr(models, "_train", train)
    monkeypatch.setattr(Lake, "create", lambda *_: None)
    models.main(night)
    if heavy["model_version"]:
        assert started == {"heavy": None, "light": "a" * 16, "trial": None}
    else:
        assert started == {"heavy": None, "trial": None}
        reason = "its teacher, the heavy model, was not trained: too few days"
        assert night.files.training("light").read() == {"model_version": None, "role": "light", "reason": reason}


def test_the_teacher_is_named_on_the_command_line(tmp_path: Path) -> None:
    night = night_with(tmp_path, Settings())
    assert models.train_command(night, "light", teacher="a" * 16)[-2:] == ["--teacher", "a" * 16]
    assert "--teacher" not in models.train_command(night, "light")


def test_what_the_training_process_says_is_told_and_not_what_torchrun_adds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = "import sys; sys.exit('noise\\ntrain: the rows are bad\\nRoot Cause (first observed failure)')"
    monkeypatch.setattr(models, "train_command", lambda *_: [sys.executable, "-c", script])
    with pytest.raises(models.TrainingFailed, match=r"^train: the rows are bad$"):
        models._train(night_with(tmp_path, Settings()), "heavy", None)


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
