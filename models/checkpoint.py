"""Checkpoints: a folder with the files of a model and ``config.json``, named by the hash of all.

A network has one file, ``weights.safetensors``; trees have one per head. The hash covers nothing that differs on an
identical rerun, so the same night gives the same version. It is compared before a file is parsed: of a text that was
cut short LightGBM loads a part, or ends the process.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any

from safetensors.torch import load as load_weights

from contracts.features import example_columns, schema_hash
from contracts.heads import HEAD_NAMES
from contracts.places import Location
from models.calibration import METHODS, HeadCalibration
from models.erasure import unmark
from models.model import Model
from models.network import WEIGHTS_FILE
from models.networks import network_of
from models.preset import AnyPreset, TreePreset
from models.presets import preset_from_json
from storage import open_folder

CONFIG_FILE = "config.json"
TREE_FILES = tuple(f"trees.{head}.txt" for head in HEAD_NAMES)
"""One per head, in LightGBM's own text format."""


@dataclass(frozen=True)
class CheckpointConfig:
    """The configuration beside the files: sizes, inputs, calibration per head, and the origin of the model.

    ``calibration`` is fitted on all days that training did not see, and scores nights. ``judged_calibration`` is fitted
    without the held-out days; the model is judged with it on held-out and later days. ``settings`` is the hash of the
    settings of its training; older checkpoints have none.
    """

    preset: AnyPreset
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
    """A loaded model: its version, its configuration, and itself; a network without gradients."""

    model_version: str
    config: CheckpointConfig
    model: Model


def write_checkpoint(artefacts: Location, model: Model, config: CheckpointConfig) -> str:
    """Write ``<artefacts>/<model_version>`` and return the version; an existing one is left as it is.

    Its configuration comes last: a killed write leaves a folder without one, which is no checkpoint.
    """
    files, content = model.files(), asdict(config)
    model_version = _version_of(files, content)
    folder = open_folder(artefacts).below(model_version)
    unmark(folder)
    if folder.exists(CONFIG_FILE):
        return model_version
    text = json.dumps({"model_version": model_version, **content}, indent=1, sort_keys=True, allow_nan=False)
    for name, value in files.items():
        folder.write(name, value)
    folder.write(CONFIG_FILE, f"{text}\n".encode())
    return model_version


def read_checkpoint(location: Location) -> Checkpoint:
    """Load a checkpoint; one that is damaged or was trained on other features raises ``ValueError``."""
    folder = open_folder(location)
    content: dict[str, Any] = json.loads(folder.read(CONFIG_FILE))
    files = {name: folder.read(name) for name in _names_of_files(content["preset"])}
    model_version = str(content.pop("model_version"))
    _refuse_other_features(model_version, content)
    calibrations = _calibrations_of(model_version, content)
    if _version_of(files, content) != model_version:
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
    return Checkpoint(model_version, config, _model_of(config.preset, files))


def _names_of_files(preset: dict[str, Any]) -> tuple[str, ...]:
    return TREE_FILES if "boosting" in preset else (WEIGHTS_FILE,)


def _model_of(preset: AnyPreset, files: dict[str, bytes]) -> Model:
    if isinstance(preset, TreePreset):
        from models.trees import Trees  # noqa: PLC0415 - networks need no LightGBM

        return Trees.of_files(files)
    network = network_of(preset.network)(preset.sizes)
    network.load_state_dict(load_weights(files[WEIGHTS_FILE]))
    return network.requires_grad_(requires_grad=False).eval()


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


def _version_of(files: dict[str, bytes], content: dict[str, Any]) -> str:
    text = json.dumps(content, sort_keys=True, allow_nan=False)
    return hashlib.sha256(b"\0".join([text.encode(), *files.values()])).hexdigest()[:16]


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
