"""The command line of one stage. It loads nothing of Spark, so wrong settings end a job before it costs anything."""

import argparse
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from contracts.pipeline import STAGES
from contracts.settings.options import add_options, load_options


def parse_arguments(description: str | None, arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The options, with the effective ``settings`` of the night; ends with exit code 2 where they are wrong."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stage", choices=STAGES, nargs="+", help="stages, run in order")
    parser.add_argument("--ds", type=date.fromisoformat, required=True, help="the night's day, YYYY-MM-DD")
    parser.add_argument("--lake", required=True, help="root folder or URI of the Delta tables")
    parser.add_argument("--landing", required=True, help="landing folder, see docs/landing.md")
    parser.add_argument("--runs", type=Path, required=True, help="local folder for verdicts, timings and the report")
    parser.add_argument("--redis", default="redis://127.0.0.1:6379/0", help="Redis to publish to")
    parser.add_argument("--strict", action="store_true", help="exit with 1 when a critical rule is broken")
    add_options(parser)
    options = parser.parse_args(arguments)
    options.settings = load_options(parser, options, options.landing).settings
    return options
