"""Checkpoints: a folder with ``weights.safetensors`` and ``config.json``, named by the hash of both.

The hash covers nothing that differs on an identical rerun, so the same night gives the same version.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any

from safetensors.torch import load as load_weights
from safetensors.torch import save as save_weights

from contracts.features import example_columns, schema_hash
from contracts.heads import HEAD_NAMES
from contracts.places import Location
from models.calibration import METHODS, HeadCalibration
from models.erasure import unmark
from models.network import Network
from models.networks import network_of
from models.preset import Preset
from models.presets import preset_from_json
from storage import open_folder

WEIGHTS_FILE = "weights.safetensors"
CONFIG_FILE = "config.json"


@dataclass(frozen=True)
class CheckpointConfig:
    """The configuration beside the weights: sizes, inputs, calibration per head, and the origin of the model.

    ``calibration`` is fitted on all days that training did not see, and scores nights. ``judged_calibration`` is fitted
    without the held-out days; the model is judged with it on held-out and later days. ``settings`` is the hash of the
    settings of its training; older checkpoints have none.
    """

    preset: Preset
    features: tuple[str, ...]
    feature_schema: str
    heads: tuple[str, ...]
    calibration: dict[str, HeadCalibration]
    judged_calibration: dict[str, HeadCalibration]
    training_partitions: tuple[str, ...]
    seed: int
    code_revision: str
    settings: str = "unknown"


@dataclass(frozen=True)
class Checkpoint:
    """A loaded model: its version, configuration and network in evaluation mode, without gradients."""

    model_version: str
    config: CheckpointConfig
    network: Network


def write_checkpoint(artefacts: Location, network: Network, config: CheckpointConfig) -> str:
    """Write ``<artefacts>/<model_version>`` and return the version; an existing one is left as it is.

    Its configuration comes last: a killed write leaves a folder without one, which is no checkpoint.
    """
    weights = save_weights({name: value.contiguous() for name, value in network.state_dict().items()})
    content = asdict(config)
    model_version = _version_of(weights, content)
    folder = open_folder(artefacts).below(model_version)
    unmark(folder)
    if folder.exists(CONFIG_FILE):
        return model_version
    text = json.dumps({"model_version": model_version, **content}, indent=1, sort_keys=True, allow_nan=False)
    folder.write(WEIGHTS_FILE, weights)
    folder.write(CONFIG_FILE, f"{text}\n".encode())
    return model_version


def read_checkpoint(location: Location) -> Checkpoint:
    """Load a checkpoint; one that is damaged or was trained on other features raises ``ValueError``."""
    folder = open_folder(location)
    content: dict[str, Any] = json.loads(folder.read(CONFIG_FILE))
    weights = folder.read(WEIGHTS_FILE)
    model_version = str(content.pop("model_version"))
    _refuse_other_features(model_version, content)
    calibrations = _calibrations_of(model_version, content)
    if _version_of(weights, content) != model_version:
        raise ValueError(f"checkpoint {location}: its files do not match its version {model_version}; it is damaged")
    config = CheckpointConfig(
        preset=preset_from_json(content["preset"]),
        features=tuple(content["features"]),
        feature_schema=content["feature_schema"],
        heads=tuple(content["heads"]),
        **calibrations,
        training_partitions=tuple(content["training_partitions"]),
        seed=content["seed"],
        code_revision=content["code_revision"],
        settings=content.get("settings", "unknown"),
    )
    network = network_of(config.preset.network)(config.preset.sizes)
    network.load_state_dict(load_weights(weights))
    network.requires_grad_(requires_grad=False).eval()
    return Checkpoint(model_version, config, network)


def _calibrations_of(model_version: str, content: dict[str, Any]) -> dict[str, dict[str, HeadCalibration]]:
    try:
        return {
            name: {head: HeadCalibration(**values) for head, values in content[name].items()}
            for name in ("calibration", "judged_calibration")
        }
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"model {model_version} was calibrated in another way ({error}); this version knows "
            f"{', '.join(METHODS.values())} with a scale and an offset per head; train it again"
        ) from error


def _version_of(weights: bytes, content: dict[str, Any]) -> str:
    text = json.dumps(content, sort_keys=True, allow_nan=False)
    return hashlib.sha256(text.encode() + b"\0" + weights).hexdigest()[:16]


def _refuse_other_features(model_version: str, content: dict[str, Any]) -> None:
    trained, current = list(content["features"]), list(example_columns())
    if trained != current:
        gone = [name for name in trained if name not in current]
        new = [name for name in current if name not in trained]
        what = f"gone: {', '.join(gone) or 'none'}; new: {', '.join(new) or 'none'}" if gone or new else "another order"
        raise ValueError(f"model {model_version} was trained on another feature list ({what}); train it again")
    if content["feature_schema"] != schema_hash():
        raise ValueError(
            f"model {model_version} was trained on feature schema {content['feature_schema']}, "
            f"the registry is {schema_hash()}; train it again"
        )
    if tuple(content["heads"]) != HEAD_NAMES:
        raise ValueError(
            f"model {model_version} has the heads {content['heads']}, not {list(HEAD_NAMES)}; train it again"
        )
