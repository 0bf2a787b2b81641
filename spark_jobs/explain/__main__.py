"""Explain a post's place in a user's pool, or at which stage it was lost.

``python -m spark_jobs.explain --user 1000499 [--post 7] …`` prints a user's funnel and pool, or one post for this user.
``--post 7`` alone prints to how many users the post was proposed, and where it was lost to them. ``--json`` is for
programs. Exit code 2: the night has no such tables.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

if __package__ in {None, ""}:
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from pyspark.sql import functions as F

from contracts.settings.options import add_options, load_options
from spark_jobs.explain.stories import explain_pair, explain_pool, explain_post
from spark_jobs.explain.words import lines_of_pair, lines_of_pool, lines_of_post
from spark_jobs.night.lake import Lake
from spark_jobs.night.night import Night
from spark_jobs.night.session import open_session
from storage import open_folder
from storage.check import add_place, check_options


def parse_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Command line of an explanation."""
    parser = argparse.ArgumentParser(
        prog="spark_jobs.explain", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--user", type=int, help="whose pool")
    parser.add_argument("--post", type=int, help="which post; without --user, what became of it everywhere")
    parser.add_argument("--ds", type=date.fromisoformat, help="night, as 2026-03-08 (the newest one that ranked feeds)")
    add_place(parser, "lake", "root of the Delta tables")
    add_place(parser, "landing", "landing area, for the windows of its dataset.json", is_needed=False)
    parser.add_argument("--count", type=int, default=20, help="places of a pool to tell (%(default)s)")
    parser.add_argument("--json", action="store_true", help="all of the story, as JSON")
    add_options(parser)
    options = parser.parse_args(arguments)
    if options.user is None and options.post is None:
        parser.error("say whose pool or which post: --user, --post or both")
    check_options(parser, options, "lake", "landing")
    options.settings = load_options(parser, options, open_folder(options.landing) if options.landing else None).settings
    return options


def newest_night(lake: Lake) -> date | None:
    """The newest night with ranked feeds."""
    if not lake.exists("gold.ranked_feeds"):
        return None
    newest = lake.read("gold.ranked_feeds").agg(F.max("ds").alias("ds")).first()
    return None if newest is None else newest.ds


def explain(night: Night, options: argparse.Namespace) -> tuple[Any, list[str]]:
    """The requested story, and its lines of text."""
    if options.user is None:
        post = explain_post(night, options.post)
        return post, list(lines_of_post(post, night.ds))
    if options.post is None:
        pool = explain_pool(night, options.user)
        return pool, list(lines_of_pool(pool, night.ds, options.count))
    pair = explain_pair(night, options.user, options.post)
    return pair, list(lines_of_pair(pair, night.ds))


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the story; returns the exit code."""
    options = parse_arguments(arguments)
    spark = open_session("explain")
    try:
        lake = Lake(spark, options.lake)
        ds = options.ds or newest_night(lake)
        if ds is None:
            print(f"explain: no night has ranked feeds in {options.lake}; run one first: make demo", file=sys.stderr)
            return 2
        night = Night(lake, ds, options.landing or "", Path(), options.settings)
        story, lines = explain(night, options)
        print(json.dumps(asdict(story), default=str, indent=1) if options.json else "\n".join(lines))
    finally:
        spark.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
