"""The command-line options of every command with settings."""

import argparse
import os
from collections.abc import Sequence
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import Any

from contracts.folders import Folder
from contracts.places import Location
from contracts.settings import VALUE_PRESETS, Settings
from contracts.settings.kinds import toml_of
from contracts.settings.load import KINDS, OPTION, Loaded, load, value_of
from contracts.settings.problems import SettingsError

VARIABLE = "FEEDLAKE_SETTINGS"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--settings`` and ``--set``."""
    parser.add_argument(
        "--settings",
        type=Path,
        metavar="FILE",
        default=os.environ.get(VARIABLE) or None,
        help=f"TOML file of settings, see docs/settings.md (default: what {VARIABLE} names)",
    )
    parser.add_argument(
        OPTION,
        action="append",
        default=[],
        dest="changes",
        metavar="KEY=VALUE",
        help="one setting, for example pool.size=50",
    )


def load_options(
    parser: argparse.ArgumentParser,
    options: argparse.Namespace,
    landing: Folder | Location | None = None,
    more: Sequence[str] = (),
) -> Loaded:
    """The settings that the options ask for; if they are wrong, the program reports all problems and ends with code 2.

    ``more`` are further ``key=value`` words, from options that set one setting each.
    """
    try:
        return load(landing, options.settings, [*options.changes, *more])
    except SettingsError as error:
        parser.exit(2, f"{parser.prog}: {error}\n")


def words_of(settings: Settings) -> list[str]:
    """The ``--set`` words that turn the defaults into these settings, without those of the data set."""
    return [word for key, value in _changed(settings).items() for word in (OPTION, f"{key}={toml_of(value)}")]


def toml_file(settings: Settings) -> str:
    """The settings file that turns the defaults into these settings, without those of the data set."""
    lines = ["# What differs from the defaults."]
    for section, members in groupby(_changed(settings).items(), key=lambda member: member[0].rpartition(".")[0]):
        lines += ["", f"[{section}]"] if section else []
        lines += [f"{key.rpartition('.')[2]} = {toml_of(value)}" for key, value in members]
    return "\n".join(lines) + "\n"


def _changed(settings: Settings) -> dict[str, Any]:
    """Values that differ from the defaults, plain keys first; value weights are compared with the preset's."""
    base = {key: value_of(Settings(), key) for key in KINDS}
    base |= {f"value.{name}": weight for name, weight in asdict(VALUE_PRESETS[settings.value_preset]).items()}
    return {key: value_of(settings, key) for key in KINDS if value_of(settings, key) != base[key]}
