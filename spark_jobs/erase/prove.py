"""Prove an erasure: search every file of the lake and every Redis key for the entries of the search list.

``python -m spark_jobs.erase.prove --search-list FILE --lake DIR --redis URL [--events URL]``. Prints what was
searched, and each finding with file and column. Exit code 0: nothing was found. 1: something was found. 2: something
could not be searched.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

if __package__ in {None, ""}:
    sys.path[0] = str(Path(__file__).resolve().parents[2])


from contracts.erasure import DISTINCTIVE, KINDS
from contracts.settings import Settings
from contracts.settings.options import add_options, load_options
from spark_jobs.erase.needles import Needles
from spark_jobs.erase.search import Searched, search_folder, search_redis
from spark_jobs.erase.search_list import SearchList
from spark_jobs.night.session import open_session
from spark_jobs.publish.epoch_store import connect
from storage.check import add_place, check_options, local_path
from storage.redis_clients import FAILURES

_SHOWN = 20


def parse_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Command line of the proof."""
    parser = argparse.ArgumentParser(
        prog="spark_jobs.erase.prove", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--search-list", type=local_path, required=True, help="the file that the erasure wrote")
    add_place(parser, "lake", "root of the Delta tables, with models and everything else in it")
    parser.add_argument("--redis", required=True, help="Redis to search, with its database number")
    parser.add_argument("--events", help="Redis of the collector, where there is one: it is searched, too")
    parser.add_argument("--folder", action="append", default=[], help="another folder: runs, landing, page records")
    add_options(parser)
    options = parser.parse_args(arguments)
    options.folder = [folder for folder in options.folder if folder]
    check_options(parser, options, "lake", "folder")
    options.settings = load_options(parser, options).settings
    return options


def describe(needles: Needles) -> list[str]:
    """What is searched for, and what is not."""
    search_list = needles.search_list
    small = sum(1 for kind in KINDS for i in getattr(search_list, kind) if abs(i) < DISTINCTIVE)
    kinds = ", ".join(f"{len(getattr(search_list, kind))} {kind}s" for kind in KINDS)
    lines = [f"looking for {kinds}, {len(search_list.phrases)} names and texts of request {search_list.request_id}"]
    if small:
        lines.append(
            f"  {small} ids below {DISTINCTIVE:,}: in id columns, id fields and keys only, others hold such numbers"
        )
    if search_list.borne:
        lines.append(
            f"  {len(search_list.borne)} ids that something else bears too: in id columns, id fields and keys only"
        )
    if search_list.shared:
        lines.append(f"  {search_list.shared} names or texts were also somebody else's and are not looked for")
    return lines


def report(searched: Searched, unit: str) -> list[str]:
    """What was searched, and each finding: where, in which column, what."""
    lines = [
        f"{searched.place}: {searched.items:,} {unit}, {searched.num_bytes:,} bytes, {len(searched.findings)} findings"
    ]
    lines += [f"  {where}: {part}: {what}" for where, part, what in searched.findings[:_SHOWN]]
    if len(searched.findings) > _SHOWN:
        lines.append(f"  … and {len(searched.findings) - _SHOWN:,} more")
    return lines


def search_services(needles: Needles, settings: Settings, redis: str, events: str | None) -> Iterator[Searched]:
    """Search the readers' Redis and, if ``events`` names one, the collector's."""
    for place, url in (("Redis", redis), ("the collector's Redis", events)):
        if url:
            with closing(connect(url, settings.publish)) as client:
                yield search_redis(client, place, needles)


def main(arguments: Sequence[str] | None = None) -> int:
    """Search everything; returns the exit code."""
    options = parse_arguments(arguments)
    spark = open_session("prove erasure")
    num_findings = 0
    try:
        needles = Needles(SearchList.load(options.search_list))
        print(*describe(needles), sep="\n")
        for folder in (options.lake, *options.folder):
            searched = search_folder(spark, folder, needles)
            num_findings += len(searched.findings)
            print(*report(searched, "files"), sep="\n")
        for searched in search_services(needles, options.settings, options.redis, options.events):
            num_findings += len(searched.findings)
            print(*report(searched, "keys"), sep="\n")
    except (ValueError, *FAILURES) as error:
        print(f"prove: {error}", file=sys.stderr)
        return 2
    finally:
        spark.stop()
    print("nothing found" if num_findings == 0 else f"{num_findings} findings: the person is still there")
    return 1 if num_findings else 0


if __name__ == "__main__":
    sys.exit(main())
