"""Load settings from defaults, the data set, a TOML file and the command line; later ones override earlier ones.

Everything is checked before anything is used, and all problems are reported at once.
"""

import tomllib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, fields, is_dataclass
from functools import partial
from pathlib import Path
from typing import Any

from contracts.folders import Folder, as_folder
from contracts.places import Location
from contracts.settings import VALUE_PRESETS, Dataset, Settings
from contracts.settings.dataset import dataset_of, read_dataset
from contracts.settings.kinds import Kind, kinds_of, show
from contracts.settings.problems import SettingsError, suggestion
from contracts.settings.rules import contradictions
from contracts.settings.sections import Given, accept, key_and_value

OPTION = "--set"
DATASET = "dataset.json"
"""The file in which a landing area describes itself."""

DEFAULT = "default"
MAX_BYTES = 2**20
"""Most bytes of a settings file; a larger file is surely something else."""

_DATASET = "what a data set says of itself stands in dataset.json of its landing area, not in settings"
_DEFAULTS = Settings()
SECTIONS: dict[str, type] = {
    item.name: type(getattr(_DEFAULTS, item.name))
    for item in fields(Settings)
    if is_dataclass(getattr(_DEFAULTS, item.name))
}
"""Every section by name, ``dataset`` among them."""

PLAIN: dict[str, Kind] = {name: kind for name, kind in kinds_of(Settings).items() if name not in SECTIONS}
KINDS: dict[str, Kind] = PLAIN | {
    f"{section}.{name}": kind
    for section, cls in SECTIONS.items()
    if cls is not Dataset
    for name, kind in kinds_of(cls).items()
}
"""Every setting by its full name, except those of the data set."""


@dataclass(frozen=True)
class Loaded:
    """The effective settings, and the origin of each value: ``default``, a preset, a file or the command line."""

    settings: Settings
    origins: dict[str, str]


def load(landing: Folder | Location | None = None, file: Path | None = None, changes: Sequence[str] = ()) -> Loaded:
    """The settings for a landing area, a settings file and ``section.key=value`` words; each may be absent.

    The area is an opened folder, or a location of this machine. Raises ``SettingsError`` with all problems.
    """
    problems: list[str] = []
    dataset, origins = _dataset(landing, problems)
    given = [*_from_file(file, problems), *_from_words(changes, problems)]
    accepted = accept(given, KINDS, problems)
    values = {key: value_of(_DEFAULTS, key) for key in KINDS}
    origins |= dict.fromkeys(KINDS, DEFAULT)
    preset = accepted["value_preset"].value if "value_preset" in accepted else _DEFAULTS.value_preset
    for name, weight in asdict(VALUE_PRESETS[preset]).items():
        values[f"value.{name}"] = weight
        origins[f"value.{name}"] = DEFAULT if preset == DEFAULT else f"preset {preset}"
    values |= {key: one.value for key, one in accepted.items()}
    origins |= {key: one.source for key, one in accepted.items()}
    settings = _assemble(values, dataset)
    refused = {one.key for one in given} - accepted.keys()
    problems += contradictions(settings, origins, refused)
    if problems:
        raise SettingsError(problems)
    return Loaded(settings, origins)


def value_of(settings: Settings, key: str) -> Any:
    """The value of the setting with the full name ``key``."""
    section, _, name = key.rpartition(".")
    return getattr(getattr(settings, section) if section else settings, name)


def _assemble(values: dict[str, Any], dataset: Dataset) -> Settings:
    sections = {
        name: cls(**{item.name: values[f"{name}.{item.name}"] for item in fields(cls)})
        for name, cls in SECTIONS.items()
        if cls is not Dataset
    }
    return Settings(dataset=dataset, **sections, **{name: values[name] for name in PLAIN})


def _dataset(landing: Folder | Location | None, problems: list[str]) -> tuple[Dataset, dict[str, str]]:
    origins = {f"dataset.{item.name}": DEFAULT for item in fields(Dataset)}
    folder = None if landing is None else as_folder(landing)
    if folder is None or not folder.exists(DATASET):
        return Dataset(), origins
    path = str(folder.place.below(DATASET))
    faults: list[str] = []
    dataset = Dataset()
    try:
        accepted = accept(read_dataset(text_of(partial(folder.read, DATASET), path), path), kinds_of(Dataset), faults)
        if not faults:
            dataset = dataset_of({key: one.value for key, one in accepted.items()}, path)
            origins |= {f"dataset.{key}": path for key in accepted}
    except SettingsError as error:
        faults += error.problems
    problems += faults
    return dataset, origins


def read_text(path: Path) -> str:
    """The text of a small UTF-8 file; raises ``SettingsError`` if it cannot be read as one."""

    def read() -> bytes:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)

    return text_of(read, str(path))


def text_of(read: Callable[[], bytes], path: str) -> str:
    """Text of the small UTF-8 file at ``path``, read by ``read``; raises ``SettingsError`` if it is none."""
    try:
        content = read()
    except IsADirectoryError:
        raise SettingsError([f"{path}: is a directory; name a file"]) from None
    except FileNotFoundError:
        raise SettingsError([f"{path}: there is no such file"]) from None
    except OSError as error:
        raise SettingsError([f"{path}: cannot be read: {error.strerror or error}"]) from error
    if len(content) > MAX_BYTES:
        raise SettingsError([f"{path}: has more than {MAX_BYTES:,} bytes; it is no file of settings"])
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SettingsError([f"{path}: is not UTF-8: byte {error.start + 1:,} is wrong"]) from error
    if not text.strip():
        raise SettingsError([f"{path}: is empty; leave it out to use the defaults"])
    return text


def _from_file(file: Path | None, problems: list[str]) -> Iterable[Given]:
    if file is None:
        return []
    try:
        table = tomllib.loads(read_text(file))
    except SettingsError as error:
        problems += error.problems
        return []
    except (ValueError, RecursionError) as error:
        problems.append(f"{file}: no TOML: {error}")
        return []
    given = []
    for name, value in table.items():
        one = Given(name, value, str(file))
        if name == "dataset":
            problems.append(f"{file}: [dataset]: {_DATASET}")
        elif name in PLAIN:
            given.append(one)
        elif name in SECTIONS and isinstance(value, dict):
            given += [Given(f"{name}.{key}", inner, str(file)) for key, inner in value.items()]
        elif name in SECTIONS:
            problems.append(f"{file}: {name} = {show(value)}: allowed is a section, [{name}] with its keys below")
        elif isinstance(value, dict):
            problems.append(f"{file}: unknown section [{name}]; {suggestion(name, [*SECTIONS, *PLAIN])}")
        else:
            problems.append(f"{file}: unknown {key_and_value(one)}; {suggestion(name, [*PLAIN, *KINDS])}")
    return given


def _from_words(changes: Sequence[str], problems: list[str]) -> Iterable[Given]:
    given = []
    for word in changes:
        key, is_change, text = word.partition("=")
        key = key.strip()
        if not is_change:
            problems.append(f"{OPTION} {word}: allowed is key=value, for example pool.size=50")
        elif key.split(".")[0] == "dataset":
            problems.append(f"{OPTION} {word}: {_DATASET}")
        else:
            given.append(Given(key, _value(key, text.strip()), OPTION))
    return given


def _value(key: str, text: str) -> Any:
    """Parse a command-line value as TOML; a text needs no quotes."""
    try:
        table = tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError):
        return text
    value = table["value"] if table.keys() == {"value"} else text
    is_text = key in KINDS and KINDS[key].type is str
    return text if is_text and not isinstance(value, str) else value
