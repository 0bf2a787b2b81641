"""Printed settings: the effective ones, and the docs page."""

import subprocess
import sys
import tomllib
from dataclasses import asdict
from pathlib import Path

from contracts.settings.load import load
from contracts.settings.models import MODEL_PRESETS, STUDENT_PRESETS, TREE_PRESETS
from contracts.settings.page import effective, page
from models.preset import Preset, TreePreset
from models.presets import preset_names, preset_of

ROOT = Path(__file__).resolve().parents[3]


def test_the_page_is_current() -> None:
    stale = "run python -m contracts.settings --page > docs/settings.md"
    assert (ROOT / "docs" / "settings.md").read_text() == page(), stale


def test_model_presets_are_those_that_models_know() -> None:
    assert preset_names() == MODEL_PRESETS
    presets = {name: preset_of(name) for name in MODEL_PRESETS}
    assert tuple(name for name, preset in presets.items() if isinstance(preset, TreePreset)) == TREE_PRESETS
    students = (name for name, preset in presets.items() if isinstance(preset, Preset) and preset.teacher_share > 0)
    assert tuple(students) == STUDENT_PRESETS


def test_effective_settings_are_toml_with_where_each_came_from(tmp_path: Path) -> None:
    file = tmp_path / "night.toml"
    file.write_text('value_preset = "seed"\n[pool]\nsize = 50\n')
    loaded = load(None, file, ["simulation.drift_date=2026-03-04"])
    text = effective(loaded)
    values = asdict(loaded.settings)
    lists = {"ads": "sensitive", "propensities": "signals", "promotion": "guarded", "rerank": "order"}
    assert tomllib.loads(text) == values | {
        section: values[section] | {name: list(values[section][name])} for section, name in lists.items()
    }
    lines = {" ".join(line.split()) for line in text.splitlines()}
    assert f"size = 50 # {file}" in lines
    assert "age_decay_per_h = 0.05 # preset seed" in lines
    assert "drift_date = 2026-03-04 # --set" in lines
    assert "total = 10000 # default" in lines


def test_effective_settings_are_printed_without_any_package(tmp_path: Path) -> None:
    command = [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r}); "]
    command[-1] += "sys.argv = ['settings']; import runpy; runpy.run_module('contracts.settings', run_name='__main__')"
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout == effective(load())
