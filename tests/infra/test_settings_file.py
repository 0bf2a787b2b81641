"""Settings of the demo and the loop: checked before anything starts, then kept beside what they made."""

import argparse
import os
from pathlib import Path

import pytest

from contracts.settings.load import load
from contracts.settings.options import VARIABLE, add_options
from infra.settings_file import use_settings


def parse(words: list[str]) -> tuple[argparse.ArgumentParser, argparse.Namespace]:
    parser = argparse.ArgumentParser("demo")
    add_options(parser)
    return parser, parser.parse_args(words)


def test_what_was_asked_for_is_kept_and_handed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "mine.toml"
    file.write_text("[pool]\nsize = 50\n")
    monkeypatch.setenv(VARIABLE, str(file))
    use_settings(*parse(["--set", "seed=7"]), tmp_path / "landing", tmp_path / "data")
    kept = tmp_path / "data" / "settings.toml"
    assert os.environ[VARIABLE] == str(kept)
    file.write_text("[pool]\nsize = 60\n")
    assert load(None, kept).settings == load(None, None, ["pool.size=50", "seed=7"]).settings


def test_without_settings_there_are_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "")
    use_settings(*parse([]), tmp_path / "landing", tmp_path / "data")
    assert load(None, tmp_path / "data" / "settings.toml").settings == load().settings


def test_wrong_settings_end_it_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    (tmp_path / "landing").mkdir()
    (tmp_path / "landing" / "dataset.json").write_text('{"late_day": 1}')
    with pytest.raises(SystemExit, match="2"):
        use_settings(*parse(["--set", "pool.sise=5"]), tmp_path / "landing", tmp_path / "data")
    said = capsys.readouterr().err
    assert "did you mean 'late_days'?" in said
    assert "did you mean 'pool.size'?" in said
    assert not (tmp_path / "data").exists()
