"""Settings of a driver: checked before anything starts, then handed to every process by one file and one variable."""

import argparse
import os
from pathlib import Path

from contracts.folders import as_folder
from contracts.settings.options import VARIABLE, load_options, toml_file


def use_settings(parser: argparse.ArgumentParser, options: argparse.Namespace, landing: Path, folder: Path) -> None:
    """Let every process that is started from now on use what the options ask for.

    It stands in ``<folder>/settings.toml``: options and file may be others for the next run, this one keeps them.
    Ends the program with every problem of the settings.
    """
    loaded = load_options(parser, options, str(landing))
    path = folder.resolve() / "settings.toml"
    as_folder(path.parent).write(path.name, toml_file(loaded.settings).encode())
    os.environ[VARIABLE] = str(path)
