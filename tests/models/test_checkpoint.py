import json
from pathlib import Path
from typing import Any

import pytest
import torch

from contracts.features import example_columns
from models.checkpoint import CONFIG_FILE, read_checkpoint, write_checkpoint
from models.network import WEIGHTS_FILE, Network
from tests.model_examples import make_config, make_network


def test_a_checkpoint_comes_back_as_it_was(tmp_path: Path) -> None:
    network, config = make_network(), make_config()
    version = write_checkpoint(tmp_path, network, config)
    loaded = read_checkpoint(tmp_path / version)
    assert loaded.model_version == version
    assert loaded.config == config
    assert isinstance(loaded.model, Network)
    assert not loaded.model.training
    for name, value in network.state_dict().items():
        assert torch.equal(loaded.model.state_dict()[name], value), name


def test_the_version_follows_weights_and_configuration(tmp_path: Path) -> None:
    versions = [
        write_checkpoint(tmp_path, make_network(seed=1), make_config()),
        write_checkpoint(tmp_path, make_network(seed=1), make_config()),
        write_checkpoint(tmp_path, make_network(seed=2), make_config()),
        write_checkpoint(tmp_path, make_network(seed=1), make_config(seed=2)),
    ]
    assert versions[0] == versions[1]
    assert len(set(versions)) == 3
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(set(versions))


def test_a_killed_write_is_overwritten(tmp_path: Path) -> None:
    version = write_checkpoint(tmp_path / "first", make_network(), make_config())
    leftover = tmp_path / "second" / version
    leftover.mkdir(parents=True)
    (leftover / WEIGHTS_FILE).write_bytes(b"of the killed write")
    assert write_checkpoint(tmp_path / "second", make_network(), make_config()) == version
    assert read_checkpoint(tmp_path / "second" / version).model_version == version


def test_damaged_weights_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / write_checkpoint(tmp_path, make_network(), make_config())
    weights = bytearray((folder / WEIGHTS_FILE).read_bytes())
    weights[-1] ^= 1
    (folder / WEIGHTS_FILE).write_bytes(bytes(weights))
    with pytest.raises(ValueError, match="it is damaged"):
        read_checkpoint(folder)


def test_another_feature_list_is_refused_by_name(tmp_path: Path) -> None:
    features = ("user_shoe_size", *example_columns()[1:])
    folder = tmp_path / write_checkpoint(tmp_path, make_network(), make_config(features=features))
    with pytest.raises(ValueError, match=r"gone: user_shoe_size; new: user_age\); train it again"):
        read_checkpoint(folder)


def test_another_feature_order_is_refused(tmp_path: Path) -> None:
    features = tuple(reversed(example_columns()))
    folder = tmp_path / write_checkpoint(tmp_path, make_network(), make_config(features=features))
    with pytest.raises(ValueError, match="another order"):
        read_checkpoint(folder)


def test_another_feature_schema_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / write_checkpoint(tmp_path, make_network(), make_config(feature_schema="0123"))
    with pytest.raises(ValueError, match="was trained on feature schema 0123"):
        read_checkpoint(folder)


def test_the_configuration_is_plain_json(tmp_path: Path) -> None:
    folder = tmp_path / write_checkpoint(tmp_path, make_network(), make_config())
    config = json.loads((folder / CONFIG_FILE).read_text())
    assert config["features"] == list(example_columns())
    assert config["preset"]["name"] == "tiny"
    dwell = {"method": "exponential", "offset": -0.5, "scale": 1.3, "bend": 0.2, "middle": -0.5}
    assert config["calibration"]["dwell"] == dwell


@pytest.mark.parametrize(
    ("calibrations", "what"),
    [
        ({"calibration": {"like": {"method": "platt", "scale": 1.0, "offset": 0.0}}}, "unknown calibration 'platt'"),
        ({"calibration": {"like": {"knots": [1.0]}}}, "knots"),
        ({"calibration": {}}, "'judged_calibration'"),
    ],
)
def test_the_calibration_of_another_version_is_refused_by_name(
    tmp_path: Path, calibrations: dict[str, Any], what: str
) -> None:
    folder = tmp_path / write_checkpoint(tmp_path, make_network(), make_config())
    content = json.loads((folder / CONFIG_FILE).read_text())
    del content["calibration"], content["judged_calibration"]
    (folder / CONFIG_FILE).write_text(json.dumps(content | calibrations))
    with pytest.raises(ValueError, match=rf"model {folder.name} was calibrated in .*{what}.*train it again"):
        read_checkpoint(folder)
