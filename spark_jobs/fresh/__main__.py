"""Bring posts made since the night into the feeds of their authors' friends (``docs/fresh.md``).

``python -m spark_jobs.fresh --lake … --landing … --redis …`` makes one pass; with ``--every 60`` it keeps its session
and makes one each minute until it is stopped. Exit code 1: feeds are as before; the last line says why.
"""

import argparse
import sys
import time
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

if __package__ in {None, ""}:
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from contracts.settings.options import add_options, load_options
from spark_jobs.fresh.passes import PassRefusedError, run_pass
from spark_jobs.night.lake import Lake
from spark_jobs.night.night import Night
from spark_jobs.night.session import drop_checkpoints, open_session
from spark_jobs.publish.epoch_store import PublishFailed
from spark_jobs.publish.epochs import explain
from storage import open_folder
from storage.check import add_place, check_options
from storage.redis_clients import FAILURES


def parse_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Command line of the passes."""
    parser = argparse.ArgumentParser(
        prog="spark_jobs.fresh", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_place(parser, "lake", "root of the Delta tables and models")
    add_place(parser, "landing", "landing area, see docs/landing.md")
    parser.add_argument("--redis", default="redis://127.0.0.1:6379/0", help="Redis of the readers (%(default)s)")
    parser.add_argument("--every", type=float, metavar="S", help="go on, with a pass every S seconds")
    add_options(parser)
    options = parser.parse_args(arguments)
    check_options(parser, options, "lake", "landing")
    options.settings = load_options(parser, options, open_folder(options.landing)).settings
    return options


def try_pass(night: Night) -> str | None:
    """Make a pass and print what it did; returns why it failed."""
    started = time.monotonic()
    try:
        sentences = run_pass(night)
    except (PassRefusedError, PublishFailed, *FAILURES) as error:
        return f"{type(error).__name__}: {error}"
    except Exception as error:  # noqa: BLE001 - of a worker, or unforeseen: the next pass does all of the work again
        traceback.print_exc()
        return _first_line(explain(error))
    for sentence in sentences:
        print(f"fresh: {sentence}, in {time.monotonic() - started:.1f} s", flush=True)
    return None


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the passes; returns the exit code."""
    options = parse_arguments(arguments)
    spark = open_session("fresh")
    try:
        lake = Lake(spark, options.lake)
        night = Night(lake, datetime.now(UTC).date(), options.landing, Path(), options.settings, options.redis)
        while True:
            started = time.monotonic()
            reason = try_pass(night)
            if reason is not None:
                print(reason, file=sys.stderr, flush=True)
            drop_checkpoints(spark)
            if options.every is None:
                return 0 if reason is None else 1
            time.sleep(max(0.0, options.every - (time.monotonic() - started)))
    finally:
        drop_checkpoints(spark)
        spark.stop()


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"


if __name__ == "__main__":
    sys.exit(main())
