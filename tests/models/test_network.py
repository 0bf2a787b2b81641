import json
from dataclasses import asdict, replace

import pytest
import torch

from contracts.heads import HEADS
from models.layers import MAX_STANDARDISED, Standardise
from models.network import NUM_CROSS, NUM_POST, NUM_USER
from models.networks import network_names, network_of
from models.networks.two_tower import TwoTower
from models.preset import Preset
from models.presets import preset_from_json, preset_names, preset_of
from models.presets.base import base
from models.presets.tiny import tiny
from tests.model_examples import NETWORK_PRESETS, untrained


@pytest.mark.parametrize("name", NETWORK_PRESETS)
def test_one_output_per_head_and_row(name: str) -> None:
    network = untrained(name)
    assert network(torch.rand(5, NUM_USER), torch.rand(5, NUM_POST), torch.rand(5, NUM_CROSS)).shape == (5, len(HEADS))


def test_base_has_the_specified_interaction_width() -> None:
    network = TwoTower(base().sizes)
    assert network.shared.in_features == 256 + 256 + 1 + NUM_CROSS
    assert [tuple(layer.weight.shape[1:]) for layer in network.heads] == [(256, 128), (128, 64), (64, 1)]  # type: ignore[index]


def test_an_unknown_preset_is_named() -> None:
    known = "base, deep_cross, full, light, lightgbm, tiny"
    with pytest.raises(ValueError, match=f"unknown preset 'huge'; presets are {known}"):
        preset_of("huge")


def test_an_unknown_network_is_named() -> None:
    with pytest.raises(ValueError, match=r"unknown network 'huge'; networks are .*two_tower"):
        network_of("huge")


@pytest.mark.parametrize("name", preset_names())
def test_a_preset_survives_json(name: str) -> None:
    preset = preset_of(name)
    assert preset_from_json(json.loads(json.dumps(asdict(preset)))) == preset
    assert not isinstance(preset, Preset) or preset.network in network_names()


def test_the_full_preset_has_a_hundred_million_parameters() -> None:
    with torch.device("meta"):
        network = untrained("full")
    assert sum(parameter.numel() for parameter in network.parameters()) == pytest.approx(1e8, rel=0.05)


def test_a_preset_with_an_unknown_key_is_refused() -> None:
    for name in ("tiny", "lightgbm"):
        with pytest.raises(ValueError, match=r"a preset has the keys .*colour"):
            preset_from_json(asdict(preset_of(name)) | {"colour": "red"})


def test_a_preset_from_before_there_were_teachers_has_none() -> None:
    content = asdict(tiny())
    del content["teacher_share"]
    assert preset_from_json(content) == tiny()


@pytest.mark.parametrize("share", [-0.1, 1.1])
def test_a_share_of_the_loss_lies_between_none_and_all(share: float) -> None:
    with pytest.raises(ValueError, match=r"preset tiny: teacher_share is .*, not from 0 to 1"):
        replace(tiny(), teacher_share=share)


def test_inputs_are_standardised_and_clipped() -> None:
    standardise = Standardise(2)
    standardise.mean.copy_(torch.tensor([1.0, 0.0]))
    standardise.std.copy_(torch.tensor([2.0, 0.001]))
    assert standardise(torch.tensor([[4.0, 1.0]])).tolist() == [[1.5, MAX_STANDARDISED]]


def test_heads_do_not_share_their_layers() -> None:
    network = TwoTower(tiny().sizes).eval()
    inputs = torch.rand(3, NUM_USER), torch.rand(3, NUM_POST), torch.rand(3, NUM_CROSS)
    before = network(*inputs)
    with torch.no_grad():
        for layer in network.heads:
            layer.weight[2] += 1.0  # type: ignore[operator,index]
    changed = (network(*inputs) != before).any(dim=0)
    assert changed.tolist() == [False, False, True, False, False, False]
