import json
import re
from datetime import date
from pathlib import Path

import pytest
from deltalake import DeltaTable

from contracts.settings import Settings
from contracts.settings.hashes import settings_hash
from models.checkpoint import write_checkpoint
from models.erasure import RUN_LOGS
from models.inference import Ranker
from models.presets.light import light
from models.train import main, parse_arguments, run
from tests.model_examples import DAYS, make_config, make_network, read_models, write_examples

pytestmark = pytest.mark.train
pytest.importorskip("petastorm", reason="Petastorm lives in the training environment")


def _words(tmp_path: Path, *more: str) -> list[str]:
    folders = [
        "--lake",
        str(tmp_path / "lake"),
        "--landing",
        str(tmp_path / "landing"),
        "--runs",
        str(tmp_path / "runs"),
    ]
    return [*folders, "--ds", "2026-03-08", "--epochs", "1", *more]


def test_a_night_is_trained_registered_and_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_examples(tmp_path / "lake", num_rows=1000)
    version = run(parse_arguments(_words(tmp_path)))
    out = capsys.readouterr().out
    assert "training 2026-03-04 to 2026-03-05, calibration 2026-03-06, hold-out 2026-03-07" in out
    assert re.search(r"  like .* relative_error \S+  ece \S+  slope \S+  .* calibrated by scale \d", out)
    (row,) = read_models(tmp_path / "lake")
    assert (row["model_version"], row["ds"], row["num_examples"]) == (version, date(2026, 3, 8), 2000)
    assert row["training_partitions"] == ["2026-03-04", "2026-03-05"]
    assert row["examples_version"] == 3
    assert json.loads(row["metrics"])["holdout"]["report"]["auc"] is None
    assert Ranker.load(tmp_path / "lake" / row["path"]).model_version == version
    report = json.loads((tmp_path / "runs" / "2026-03-08" / "train.json").read_text())
    assert report["model_version"] == version
    assert report["rows"] == 2000
    assert report["rows_per_s"] > 0
    assert report["epochs"][0]["losses"].keys() == {"like", "comment", "share", "hide", "report", "dwell"}


@pytest.mark.parametrize(
    "windows", [{"holdout_days": 0}, {"calibration_days": 0}, {"holdout_days": 0, "calibration_days": 0}]
)
def test_days_that_are_not_reserved_leave_no_figures(tmp_path: Path, windows: dict[str, int]) -> None:
    write_examples(tmp_path / "lake", num_rows=300)
    (tmp_path / "landing").mkdir()
    (tmp_path / "landing" / "dataset.json").write_text(json.dumps(windows))
    version = run(parse_arguments(_words(tmp_path, "--preset", "tiny")))
    (row,) = read_models(tmp_path / "lake")
    metrics = json.loads(row["metrics"])
    assert row["model_version"] == version
    assert (metrics["holdout"]["like"]["relative_error"] is None) == ("holdout_days" in windows)
    assert (metrics["calibration_loss"] is None) == ("calibration_days" in windows)
    assert (metrics["calibration"]["like"]["offset"] == 0.0) == (len(windows) == 2)


def test_a_rerun_gives_the_same_model_even_from_rewritten_files(tmp_path: Path) -> None:
    write_examples(tmp_path / "lake", num_rows=500)
    first = run(parse_arguments(_words(tmp_path)))
    other = tmp_path / "other"
    write_examples(other / "lake", num_rows=500, num_files=3)
    assert run(parse_arguments(_words(tmp_path))) == first
    assert run(parse_arguments(_words(other))) == first
    assert run(parse_arguments(_words(tmp_path, "--seed", "7"))) != first
    assert DeltaTable(str(tmp_path / "lake" / "gold" / "models")).version() == 2


def test_errors_end_with_one_line(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"^train: gold\.training_examples does not exist"):
        main(_words(tmp_path))


def test_the_landing_areas_windows_are_used(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_examples(tmp_path / "lake", num_rows=10)
    (tmp_path / "landing").mkdir()
    (tmp_path / "landing" / "dataset.json").write_text('{"training_days": 4, "holdout_days": 2, "training_hours": 1}')
    with pytest.raises(SystemExit, match="2"):
        main(_words(tmp_path))
    assert "dataset.json: unknown key 'training_hours' = 1" in capsys.readouterr().err
    (tmp_path / "landing" / "dataset.json").write_text('{"training_days": 5, "holdout_days": 3}')
    main(_words(tmp_path))
    report = json.loads((tmp_path / "runs" / "2026-03-08" / "train.json").read_text())
    assert "training needs 5 (calibration_days 1, holdout_days 3)" in report["reason"]


@pytest.mark.parametrize(
    ("days", "num_rows", "why"),
    [
        ((), 0, "has examples of 0 days (none)"),
        (DAYS[:2], 500, "has examples of 2 days (2026-03-04, 2026-03-05)"),
        (DAYS, 3, "positive labels (like, comment, share, hide, report) in 6 training rows; at least 20 are needed"),
    ],
)
def test_a_night_with_too_little_has_no_model_and_says_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], days: tuple[date, ...], num_rows: int, why: str
) -> None:
    write_examples(tmp_path / "lake", num_rows=1000)
    run(parse_arguments(_words(tmp_path)))
    table = DeltaTable(str(tmp_path / "lake" / "gold" / "training_examples"))
    table.delete()
    write_examples(tmp_path / "lake", days, num_rows)
    assert run(parse_arguments(_words(tmp_path))) is None
    assert read_models(tmp_path / "lake") == [], "the model of an earlier run of the night is not the night's"
    report = json.loads((tmp_path / "runs" / "2026-03-08" / "train.json").read_text())
    assert report["model_version"] is None
    assert why in report["reason"]
    assert "the simple score ranks the night" in capsys.readouterr().out


def test_settings_decide_the_preset_and_stand_in_the_checkpoint(tmp_path: Path) -> None:
    file = tmp_path / "night.toml"
    file.write_text('seed = 7\n[models]\nheavy = "base"\n')
    by_file = parse_arguments(_words(tmp_path, "--settings", str(file)))
    by_option = parse_arguments(_words(tmp_path, "--preset", "base", "--set", "seed=7"))
    assert by_file == by_option
    assert (by_file.config.preset.name, by_file.config.seed) == ("base", 7)
    write_examples(tmp_path / "lake", num_rows=500)
    tiny = parse_arguments(_words(tmp_path, "--set", "pool.size=50"))
    version = run(tiny)
    config = json.loads((tmp_path / "lake" / "models" / str(version) / "config.json").read_text())
    assert config["settings"] == settings_hash(tiny.settings) != settings_hash(Settings())


@pytest.mark.parametrize(
    "words", [("--epochs", "0"), ("--preset", "huge"), ("--set", "seed=x"), ("--lake", "s3a://bucket/lake")]
)
def test_bad_arguments_are_refused(tmp_path: Path, words: tuple[str, str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        parse_arguments(_words(tmp_path, *words))


def test_a_state_of_other_settings_is_not_taken_and_none_is_left(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_examples(tmp_path / "lake", num_rows=500)
    with monkeypatch.context() as patched:
        patched.setattr("models.train.register", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            run(parse_arguments(_words(tmp_path)))
    (state,) = (tmp_path / "lake" / "models").glob("*.state")
    assert run(parse_arguments(_words(tmp_path, "--seed", "7")))
    assert f"{state} is of other rows, settings or code, and is not used" in capsys.readouterr().out
    assert not state.exists()


def test_a_warm_start_is_recorded(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_examples(tmp_path / "lake", num_rows=500)
    words = _words(tmp_path, "--preset", "tiny", "--set", "training.warm_start=true")
    first = run(parse_arguments(words))
    assert "training begins with nothing: there is no champion" in capsys.readouterr().out
    assert run(parse_arguments([*words, "--champion", str(first)])) != first
    (row,) = read_models(tmp_path / "lake")
    assert json.loads(row["metrics"])["began_with"] == first
    report = json.loads((tmp_path / "runs" / "2026-03-08" / "train.json").read_text())
    assert report["beginning"] == f"training begins with the weights of the champion {first}"


def test_where_the_days_of_a_refit_hold_too_little_all_days_train(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_examples(tmp_path / "lake", DAYS[:1], num_rows=500)
    write_examples(tmp_path / "lake", DAYS[1:], num_rows=10)
    words = _words(tmp_path, "--preset", "tiny", "--set", "training.warm_start=true", "--set", "training.refit_days=1")
    first = run(parse_arguments(words))
    assert run(parse_arguments([*words, "--champion", str(first)])) == first
    assert f"with the champion {first}: gold.training_examples: " in capsys.readouterr().out


def _student(tmp_path: Path, *more: str) -> list[str]:
    return _words(tmp_path, "--role", "light", "--preset", "light", *more)


def test_a_students_records_name_its_teacher(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_examples(tmp_path / "lake", num_rows=500)
    heavy = str(run(parse_arguments(_words(tmp_path, "--preset", "tiny"))))
    version = run(parse_arguments(_student(tmp_path, "--teacher", heavy)))
    share = f"{light().teacher_share:.0%}"
    assert f"{share} of the loss compares with the outputs of the teacher {heavy}" in capsys.readouterr().out
    metrics = {row["model_version"]: json.loads(row["metrics"]) for row in read_models(tmp_path / "lake")}
    assert {model: found["taught_by"] for model, found in metrics.items()} == {heavy: None, version: heavy}
    report = json.loads((tmp_path / "runs" / "2026-03-08" / "train.light.json").read_text())
    assert (report["model_version"], report["taught_by"]) == (version, heavy)
    logged = (tmp_path / "lake" / "models" / RUN_LOGS).glob("*/*/params/taught_by")
    assert {path.read_text() for path in logged} == {"None", heavy}


def test_a_student_without_a_teacher_ends_with_one_line(tmp_path: Path) -> None:
    write_examples(tmp_path / "lake", num_rows=500)
    told = "^train: preset light learns from a teacher: name a trained model by --teacher VERSION$"
    with pytest.raises(SystemExit, match=told):
        main(_student(tmp_path))
    with pytest.raises(SystemExit, match=r"^train: the teacher 0123 cannot be loaded: FileNotFoundError"):
        main(_student(tmp_path, "--teacher", "0123"))


def test_a_student_knows_the_days_of_its_teacher(tmp_path: Path) -> None:
    write_examples(tmp_path / "lake", num_rows=500)
    config = make_config(training_partitions=("2026-03-01", "2026-03-04"))
    heavy = write_checkpoint(tmp_path / "lake" / "models", make_network(), config)
    assert run(parse_arguments(_student(tmp_path, "--teacher", heavy)))
    (row,) = read_models(tmp_path / "lake")
    assert row["training_partitions"] == ["2026-03-01", "2026-03-04", "2026-03-05"]


def test_a_state_of_another_teacher_is_not_taken(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_examples(tmp_path / "lake", num_rows=500)
    folder = tmp_path / "lake" / "models"
    first, second = (write_checkpoint(folder, make_network(seed=seed), make_config()) for seed in (1, 2))
    with monkeypatch.context() as patched:
        patched.setattr("models.train.register", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            run(parse_arguments(_student(tmp_path, "--teacher", first)))
    assert run(parse_arguments(_student(tmp_path, "--teacher", second)))
    assert "is of other rows, settings or code, and is not used" in capsys.readouterr().out
