"""Erase people: ``python -m spark_jobs.erase --user 123 --request ticket-17 …``, or by spark-submit with this file.

It removes everything by and about the users from every table of the lake, its history, Redis and the files of past
runs; docs/erasure.md has the details. No night may run at the same time. After a kill, run it again with the same
options.
Exit code 0: done, now prove it with ``python -m spark_jobs.erase.prove``. 2: refused, nothing was changed.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

if __package__ in {None, ""}:
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from contracts.settings.options import add_options, load_options
from spark_jobs.erase.job import CannotEraseError, Request, erase
from spark_jobs.erase.needles import Needles
from spark_jobs.erase.search import search_folder
from spark_jobs.erase.search_list import SearchList
from spark_jobs.night.lake import Lake
from spark_jobs.night.session import open_session
from storage import open_folder
from storage.check import add_place, check_options, local_path
from storage.leases import leases_of_process


def parse_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Command line of an erasure."""
    parser = argparse.ArgumentParser(
        prog="spark_jobs.erase", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--user", type=int, nargs="+", required=True, help="user ids; many cost little more than one")
    parser.add_argument("--request", required=True, help="id of the request, as the ledger keeps it; no personal data")
    parser.add_argument(
        "--search-list", type=local_path, required=True, help="file to write for the proof; lies outside the lake"
    )
    add_place(parser, "lake", "root of the Delta tables and models")
    parser.add_argument("--redis", default="redis://127.0.0.1:6379/0", help="Redis that readers use (%(default)s)")
    parser.add_argument("--events", help="Redis of the collector, where there is one")
    parser.add_argument(
        "--records", action="append", default=[], metavar="FOLDER", help="a reader's page records; may be repeated"
    )
    add_place(parser, "runs", "past runs, whose verdicts quote rows", is_needed=False)
    add_place(parser, "landing", "landing area, whose files that hold the person are told", is_needed=False)
    add_options(parser)
    options = parser.parse_args(arguments)
    check_options(parser, options, "lake", "runs", "landing")
    try:
        options.records = [local_path(folder) for folder in options.records if folder]
    except argparse.ArgumentTypeError as error:
        parser.error(f"--records: {error}")
    options.settings = load_options(parser, options).settings
    return options


def refuse_missing(landing: str | None, records: Sequence[Path]) -> None:
    """Exit with a message, before anything is removed, if the landing area or a folder of records does not exist."""
    for path in records:
        if not path.is_dir():
            sys.exit(f"erase: there is no folder {path}; leave --records out where a reader records no pages")
    if landing:
        folder = open_folder(landing)
        if not (folder.folders() or folder.files()):
            sys.exit(f"erase: there is no landing area {landing}; leave --landing out where its files are gone")


def main(arguments: Sequence[str] | None = None) -> int:
    """Erase, then list the producers' files that still name the users; returns the exit code."""
    options = parse_arguments(arguments)
    refuse_missing(options.landing, options.records)
    began = time.monotonic()
    spark = open_session("erase")
    places = (options.redis, options.runs, options.events, options.records)
    request = Request(options.request, options.user, options.search_list, *places)
    try:
        removed = erase(Lake(spark, options.lake), request, options.settings)
        keys, files = removed["redis"], removed["files"]
        print(
            f"Redis: {keys['deleted']:,} keys deleted, {keys['rewritten']:,} rewritten; {files} files of runs redacted"
        )
        if options.records:
            print(f"page records: {removed['records']} files removed")
        if options.events:
            events = removed["events"]
            print(f"collector: {events['entries']:,} events and {events['keys']:,} keys deleted")
        if options.landing:
            needles = Needles(SearchList.load(options.search_list))
            for file in sorted({file for file, _, _ in search_folder(spark, options.landing, needles).findings}):
                print(f"still in the producer's {options.landing}/{file}")
    except (CannotEraseError, ValueError) as error:
        print(f"erase: {error}", file=sys.stderr)
        return 2
    finally:
        leases_of_process().release_all()
        spark.stop()
    print(f"erased in {time.monotonic() - began:.0f} s; prove it with {options.search_list}, then delete that file")
    return 0


if __name__ == "__main__":
    sys.exit(main())
