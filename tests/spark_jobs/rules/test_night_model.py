"""Stages ask for the model of a role; a night may have several."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from models.registry import register
from spark_jobs.night.night import Night
from spark_jobs.rules.night_model import model_of, why_no_model
from tests.models.test_registry import ROW


def test_a_stage_gets_the_model_of_the_role_that_it_asks_for(make_night: Callable[..., Night]) -> None:
    night = make_night()
    root = Path(night.lake.root)
    night.lake.create("gold.models")
    register(root, ROW)
    register(root, replace(ROW, role="light", model_version="f" * 16, path=f"models/{'f' * 16}"))
    assert model_of(night).version == ROW.model_version
    assert model_of(night, "light").folder == f"{root}/models/{'f' * 16}"
    with pytest.raises(ValueError, match=r"gold.models has no row with ds = 2026-03-08 and role = trial"):
        model_of(night, "trial")


def test_each_role_says_why_it_has_no_model(make_night: Callable[..., Night]) -> None:
    night = make_night()
    night.folder.mkdir(parents=True)
    (night.folder / "train.json").write_text(json.dumps({"model_version": "1"}))
    (night.folder / "train.light.json").write_text(json.dumps({"model_version": None, "reason": "too few days"}))
    assert why_no_model(night) is None
    assert why_no_model(night, "light") == "too few days"
