"""The command line of one stage. It loads nothing of Spark: wrong settings or places end a job before it costs much."""

import argparse
from collections.abc import Sequence
from datetime import date

from contracts.pipeline import STAGES
from contracts.settings.options import add_options, load_options
from storage import open_folder
from storage.check import add_place, check_options


def parse_arguments(description: str | None, arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The options, with the effective ``settings`` of the night; ends with exit code 2 where they are wrong."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stage", choices=STAGES, nargs="+", help="stages, run in order")
    parser.add_argument("--ds", type=date.fromisoformat, required=True, help="the night's day, YYYY-MM-DD")
    add_place(parser, "lake", "root of the Delta tables and models")
    add_place(parser, "landing", "landing area, see docs/landing.md")
    add_place(parser, "runs", "verdicts, timings and the report")
    parser.add_argument("--redis", default="redis://127.0.0.1:6379/0", help="Redis to publish to")
    parser.add_argument("--strict", action="store_true", help="exit with 1 when a critical rule is broken")
    add_options(parser)
    options = parser.parse_args(arguments)
    check_options(parser, options, "lake", "landing", "runs")
    options.settings = load_options(parser, options, open_folder(options.landing)).settings
    return options
