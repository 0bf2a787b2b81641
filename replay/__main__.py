"""Rebuild pages that a reader served to a user of the sample, and compare them byte for byte.

``python -m replay --epoch 7 --user 1000499 [--at 2026-03-09T08] …`` reads what the reader recorded of the pages, the
epoch's manifest, and the tables at its versions (docs/replay.md). ``--json`` prints the posts as they were served.
Exit code 0: every page is rebuilt. 1: an input differs; it is named. 2: an input is missing or another one; it is
named, with what to do.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from contracts.settings.options import add_options, load_options
from replay.differences import CannotReplayError
from replay.epoch_inputs import read_inputs, read_row
from replay.rebuild import Rebuilt, rebuild
from replay.recorded import find_records
from spark_jobs.night.lake import Lake
from spark_jobs.night.night import Night
from spark_jobs.night.session import open_session
from storage import open_folder
from storage.check import add_place, check_options, local_path


def parse_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Command line of a replay."""
    parser = argparse.ArgumentParser(
        prog="replay", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--epoch", type=int, required=True, help="epoch of the page, as its metadata names it")
    parser.add_argument("--user", type=int, required=True, help="whose pages")
    parser.add_argument(
        "--at", default="", help="pages of this UTC time, as 2026-03-09T08:05 or any beginning of it (default: all)"
    )
    parser.add_argument("--records", type=local_path, required=True, help="folder that the reader has as --records")
    add_place(parser, "lake", "root of the Delta tables")
    add_place(parser, "landing", "landing area, for the windows of its dataset.json", is_needed=False)
    parser.add_argument("--json", action="store_true", help="print the rebuilt posts of each page as a JSON line")
    add_options(parser)
    options = parser.parse_args(arguments)
    check_options(parser, options, "lake", "landing")
    options.settings = load_options(parser, options, open_folder(options.landing) if options.landing else None).settings
    return options


def replay(options: argparse.Namespace) -> list[Rebuilt]:
    """The rebuilt pages; raises ``CannotReplayError``, before Spark starts where no record is found."""
    records = find_records(options.records, options.user, options.epoch, options.at)
    spark = open_session("replay")
    try:
        lake = Lake(spark, options.lake)
        row = read_row(lake, options.epoch)
        night = Night(lake, row.ds, options.landing or "", Path(), options.settings)
        inputs = read_inputs(night, row, records)
        return [rebuild(record, inputs.pool_of(record), inputs.cards, inputs.written_for(record)) for record in records]
    finally:
        spark.stop()


def describe(rebuilt: Rebuilt) -> Iterator[str]:
    """A page in words: what was asked for, whether it is the same, its posts, and each difference."""
    record, posts = rebuilt.record, rebuilt.page.posts if rebuilt.page else []
    outcome = "differs" if rebuilt.differences else "rebuilt byte for byte"
    yield (
        f"{record.at} user {record.user_id}, epoch {record.epoch}, served from {record.level}, "
        f"filter {record.feed_filter}, from position {record.start}: {len(record.rows)} posts, {outcome}"
    )
    withheld = ", ".join(f"{count} {kind}" for kind, count in sorted(record.suppressed.items()))
    if withheld:
        yield f"  withheld from the rest of the pool: {withheld}"
    for difference in rebuilt.differences:
        yield f"  {difference}"
    yield from (f"  {words}" for words in rebuilt.not_in_effect)
    for place, post in enumerate(map(json.loads, posts), 1):
        yield f"  {place:3}. post {post['id']} (score {post['ranking_score']}): {post['reason']}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Replay and print; returns the exit code."""
    options = parse_arguments(arguments)
    try:
        pages = replay(options)
    except (CannotReplayError, ValueError, OSError) as error:
        print(f"replay: {error}", file=sys.stderr)
        return 2
    for page in pages:
        if options.json:
            posts = page.page.posts if page.page else []
            sys.stdout.write(f'{{"at":"{page.record.at}","posts":[{b",".join(posts).decode()}]}}\n')
        else:
            print(*describe(page), sep="\n")
    return 1 if any(page.differences for page in pages) else 0


if __name__ == "__main__":
    sys.exit(main())
