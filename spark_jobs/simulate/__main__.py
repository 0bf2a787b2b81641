"""Simulate a landing area, or its next day: ``python -m spark_jobs.simulate --landing DIR`` or by spark-submit.

``python -m spark_jobs.simulate respond --landing DIR --lake DIR --ds 2026-03-08`` emits the day after ``ds``, given the
feeds that were ranked for it.
"""

import argparse
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path

if __package__ in {None, ""}:
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from contracts.run_files import RunFiles
from contracts.settings.options import add_options, load_options
from spark_jobs.night.lake import Lake
from spark_jobs.night.session import open_session
from spark_jobs.simulate import respond, simulate
from storage.check import local_path

SIMULATION = {
    "users": "users of the network",
    "days": "days of logs",
    "seed": "same seed, same lines",
    "end_date": "last day",
    "drift_date": "day from which tastes and devices are others",
}
"""Settings of a simulation with an option of their own."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line, simulate or respond, print the number of lines of each kind."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    responds = words[:1] == ["respond"]
    options, parser = _response(words[1:]) if responds else _history(words)
    spark = open_session("respond" if responds else "simulate")
    try:
        if responds:
            figures = respond(spark, str(options.landing), Lake(spark, options.lake), options.ds)
            counts = figures["lines"]
            if options.runs is not None:
                RunFiles.of(options.runs, figures["day"]).response.write(figures)
        else:
            asked = options.settings.simulation
            world = (asked.users, asked.days, asked.seed, asked.end_date)
            counts = simulate(spark, *world, str(options.landing), asked.drift_date)
    except ValueError as error:
        parser.error(str(error))
    finally:
        spark.stop()
    print(*(f"{kind}: {count}" for kind, count in counts.items()), sep="\n")


def _history(words: Sequence[str]) -> tuple[argparse.Namespace, argparse.ArgumentParser]:
    parser = argparse.ArgumentParser(
        prog="spark_jobs.simulate", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--landing", type=local_path, required=True, help="folder to write; an earlier area there is replaced"
    )
    for name, what in SIMULATION.items():
        parser.add_argument(
            f"--{name.replace('_', '-')}", metavar="VALUE", help=f"{what}; short for --set simulation.{name}"
        )
    add_options(parser)
    options = parser.parse_args(words)
    given = {name: getattr(options, name) for name in SIMULATION}
    more = [f"simulation.{name}={value}" for name, value in given.items() if value is not None]
    options.settings = load_options(parser, options, more=more).settings
    return options, parser


def _response(words: Sequence[str]) -> tuple[argparse.Namespace, argparse.ArgumentParser]:
    parser = argparse.ArgumentParser(
        prog="spark_jobs.simulate respond", description="Emit the day after a night, given its ranked feeds."
    )
    parser.add_argument("--landing", type=local_path, required=True, help="a simulated landing area, to add to")
    parser.add_argument("--lake", required=True, help="root of the Delta tables: a path, or s3://bucket/prefix")
    parser.add_argument("--ds", type=date.fromisoformat, required=True, help="day of the night that ranked the feeds")
    parser.add_argument("--runs", type=local_path, help="folder of the nights; the figures go to the next day's")
    return parser.parse_args(words), parser


if __name__ == "__main__":
    main()
