"""Settings of a driver: checked before anything starts, then passed to every process by one file and one variable."""

import argparse
import os
from pathlib import Path

from contracts.folders import as_folder
from contracts.settings.options import VARIABLE, load_options, toml_file


def use_settings(parser: argparse.ArgumentParser, options: argparse.Namespace, landing: Path, folder: Path) -> None:
    """Use the settings of the options in every process that is started from now on.

    They are saved as ``<folder>/settings.toml``, so that this run keeps them even if the original file changes.
    Ends the program with every problem of the settings.
    """
    loaded = load_options(parser, options, str(landing))
    path = folder.resolve() / "settings.toml"
    as_folder(path.parent).write(path.name, toml_file(loaded.settings).encode())
    os.environ[VARIABLE] = str(path)
