from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
import torch

from contracts.settings import Training
from models.checkpoint import read_checkpoint, write_checkpoint
from models.networks.two_tower import TwoTower
from models.presets import preset_of
from models.presets.tiny import tiny
from models.training import TrainingConfig, fit
from models.warm_start import Start, start_of
from storage import open_folder
from tests.damaged_models import DAMAGES
from tests.model_examples import DAYS, make_config, make_network
from tests.models.test_training import _InMemory

if TYPE_CHECKING:
    from models.examples import Examples

WARM = Training(warm_start=True, refit_epochs=2, refit_days=2, refit_learning_rate=0.25)
RESERVED = (date(2026, 3, 6), date(2026, 3, 7))


def champion(folder: Path) -> str:
    return write_checkpoint(folder, make_network(), make_config())


def start(folder: Path, version: str | None, rules: Training = WARM, preset: str = "tiny") -> Start:
    return start_of(open_folder(folder), version, preset_of(preset), rules, RESERVED)


def test_a_champion_is_begun_with_and_refitted(tmp_path: Path) -> None:
    version = champion(tmp_path)
    found, rules = start(tmp_path, version), tiny().optimiser
    assert found.message == f"training begins with the weights of the champion {version}"
    assert (found.version, found.days) == (version, {"2026-03-04"})
    assert found.preset == replace(tiny(), epochs=2, optimiser=replace(rules, learning_rate=0.25e-3))


@pytest.mark.parametrize(
    ("rules", "why"), [(Training(), "training.warm_start is false"), (WARM, "there is no champion")]
)
def test_nothing_is_begun_with_where_there_is_nothing(tmp_path: Path, rules: Training, why: str) -> None:
    version = None if rules.warm_start else champion(tmp_path)
    assert start(tmp_path, version, rules) == Start(None, preset_of("tiny"), f"training begins with nothing: {why}")


@pytest.mark.parametrize(("damage", "why"), DAMAGES)
def test_a_champion_that_cannot_be_used_says_why(tmp_path: Path, damage: Callable[[Path], None], why: str) -> None:
    version = champion(tmp_path)
    damage(tmp_path / version)
    found = start(tmp_path, version)
    assert (found.champion, found.preset) == (None, preset_of("tiny"))
    assert found.message.startswith(f"training begins with nothing: the champion {version} {why}")


@pytest.mark.parametrize("preset", ["base", "deep_cross"])
def test_another_network_and_other_sizes_begin_with_nothing(tmp_path: Path, preset: str) -> None:
    found = start(tmp_path, champion(tmp_path), preset=preset)
    assert found.champion is None
    assert f"is of the preset tiny, not of {preset}, or in other sizes" in found.message


def test_a_champion_that_knows_a_day_that_judges_it_is_not_begun_with(tmp_path: Path) -> None:
    config = make_config(training_partitions=("2026-03-05", "2026-03-06"))
    version = write_checkpoint(tmp_path, make_network(), config)
    assert start(tmp_path, version).message.endswith(
        "was trained on 2026-03-06, which calibrate or are held out tonight"
    )


@pytest.mark.parametrize(
    ("known", "first"), [((1, 2, 3, 4), 4), ((3, 4, 5), 1), ((1, 2), 3), ((2, 4), 1), ((), 1), ((1, 2, 3, 4, 5), 4)]
)
def test_the_newest_days_are_trained_on_and_those_the_champion_lacks(
    tmp_path: Path, known: tuple[int, ...], first: int
) -> None:
    config = make_config(training_partitions=tuple(f"2026-03-0{day}" for day in known))
    found = start(tmp_path, write_checkpoint(tmp_path, make_network(), config))
    days = tuple(date(2026, 3, day) for day in range(1, 6))
    assert found.fitted_on(days) == days[first - 1 :]
    assert start(tmp_path, None).fitted_on(days) == days


def test_weights_are_the_champions_and_moments_those_of_tonights_rows(tmp_path: Path) -> None:
    rows = cast("Examples", _InMemory(DAYS[:1], num_rows=600))
    given: Any = read_checkpoint(tmp_path / champion(tmp_path)).model
    weights = given.state_dict()
    still = replace(tiny(), epochs=1, optimiser=replace(tiny().optimiser, learning_rate=0.0))
    network = fit(rows, rows, TrainingConfig(still, 20), lambda _: None, start=weights).model
    assert isinstance(network, TwoTower)
    assert all(torch.equal(value, weights[name]) for name, value in network.named_parameters())
    assert not torch.equal(network.user_input.mean, weights["user_input.mean"])
    assert network.user_input.mean[0].item() == pytest.approx(next(iter(rows)).features[:, 0].mean().item(), rel=1e-5)
