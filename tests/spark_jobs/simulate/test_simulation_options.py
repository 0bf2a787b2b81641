"""The simulator's options set settings; a file may set them too."""

from datetime import date
from pathlib import Path

import pytest

from contracts.settings import Simulation
from contracts.settings.options import VARIABLE
from spark_jobs.simulate.__main__ import _history, _response


def test_options_go_before_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "world.toml"
    file.write_text("[simulation]\nusers = 300\nseed = 7\ndrift_date = 2026-03-04\n")
    monkeypatch.setenv(VARIABLE, str(file))
    options, _ = _history(["--landing", "area", "--users", "400", "--end-date", "2026-03-09"])
    assert options.settings.simulation == Simulation(400, 8, 7, date(2026, 3, 9), date(2026, 3, 4))


def test_a_world_too_small_ends_it(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        _history(["--landing", "area", "--users", "99"])
    assert "simulation.users = 99: allowed is a whole number from 100 to" in capsys.readouterr().err


def test_the_figures_of_a_response_go_to_the_nights_on_a_disk(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--landing", "area", "--lake", "s3://bucket/lake", "--ds", "2026-03-08"]
    assert _response(words)[0].runs is None
    assert _response([*words, "--runs", "runs"])[0].runs == Path("runs")
    with pytest.raises(SystemExit, match="2"):
        _response([*words, "--runs", "s3://bucket/runs"])
    assert "lies on S3" in capsys.readouterr().err
