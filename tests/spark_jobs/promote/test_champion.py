"""The champion is the model of the last published night; one that cannot be used says why."""

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from models.checkpoint import CONFIG_FILE, write_checkpoint
from models.erasure import mark_before_erasure
from models.network import WEIGHTS_FILE
from spark_jobs.night.night import Night
from spark_jobs.promote.champion import Champion, find_champion
from tests.epoch_table import epoch_row, epoch_table
from tests.model_examples import make_config, make_network


def checkpoint(night: Night, seed: int = 1) -> str:
    return write_checkpoint(Path(night.lake.root) / "models", make_network(seed=seed), make_config())


def manifest(version: str) -> str:
    return json.dumps({"model_version": version})


def test_the_last_published_night_before_counts(make_night: Callable[..., Night]) -> None:
    night = make_night()
    assert find_champion(night) is None
    good, other = (checkpoint(night, seed) for seed in (1, 2))
    epoch_table(
        Path(night.lake.root),
        epoch_row(1, "retired", 5, manifest(other)),
        epoch_row(2, "retired", 6, manifest(other)),
        epoch_row(3, "previous", 6, manifest(good)),
        epoch_row(4, "rolled_back", 6, manifest(other)),
        epoch_row(5, "building", 7, manifest(other)),
        epoch_row(6, "current", 8, manifest(other)),
    )
    found = find_champion(night)
    assert found == Champion(good, f"models/{good}", date(2026, 3, 6), ("2026-03-04",))
    assert [found.knows(date(2026, 3, day)) for day in (4, 5, 6)] == [True, True, False]
    assert find_champion(make_night(date(2026, 3, 5))) is None


def lose_weights(folder: Path) -> None:
    (folder / WEIGHTS_FILE).unlink()


def truncate(folder: Path) -> None:
    (folder / WEIGHTS_FILE).write_bytes((folder / WEIGHTS_FILE).read_bytes()[:-100])


def cut_config(folder: Path) -> None:
    (folder / CONFIG_FILE).write_text((folder / CONFIG_FILE).read_text()[:50])


def other_features(folder: Path) -> None:
    content = json.loads((folder / CONFIG_FILE).read_text())
    content["features"][0] = "user_shoe_size"
    (folder / CONFIG_FILE).write_text(json.dumps(content))


def erase(folder: Path) -> None:
    mark_before_erasure(folder.parent)


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        (lose_weights, "cannot be loaded: FileNotFoundError"),
        (truncate, "do not match its version"),
        (cut_config, "cannot be loaded: JSONDecodeError"),
        (other_features, "was trained on another feature list (gone: user_shoe_size; new: user_age)"),
        (erase, "was trained before a person was erased"),
    ],
)
def test_a_champion_that_cannot_be_used_says_why(
    make_night: Callable[..., Night], damage: Callable[[Path], None], why: str
) -> None:
    night = make_night()
    version = checkpoint(night)
    epoch_table(Path(night.lake.root), epoch_row(1, "current", 7, manifest(version)))
    damage(Path(night.lake.root) / "models" / version)
    found = find_champion(night)
    assert found is not None
    assert found.version == version
    assert found.why_unused is not None
    assert found.why_unused.startswith(version)
    assert why in found.why_unused


@pytest.mark.parametrize(("version", "is_none"), [("simple-score", True), ("unknown", False)])
def test_a_night_without_one_model_leaves_none(make_night: Callable[..., Night], version: str, is_none: bool) -> None:
    night = make_night()
    epoch_table(Path(night.lake.root), epoch_row(1, "current", 7, manifest(version)))
    found = find_champion(night)
    assert (found is None) == is_none
    assert found is None or (found.why_unused or "").startswith("unknown cannot be loaded")
