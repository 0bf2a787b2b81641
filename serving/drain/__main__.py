"""Command line of the drain: ``python -m serving.drain --redis redis://127.0.0.1:6380 --landing folder [--once]``.

Exit code 0: everything is moved, or it was told to stop. 1: ``--once`` could not move everything, which is still in
the stream. 2: wrong options.
"""

import argparse
import logging
import signal
import sys
import threading
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

from contracts.settings import DrainRules
from contracts.settings.hashes import hash_of_read
from contracts.settings.options import add_options, load_options
from serving.drain.drain import DrainFailed, connect, drain, only_drain
from serving.http.json_log import start_logging
from storage.check import local_path

_LOG = logging.getLogger("serving.drain")


def parse_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line, parsed."""
    parser = argparse.ArgumentParser(
        prog="python -m serving.drain", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--redis", required=True, help="URL of the collector's Redis")
    parser.add_argument("--landing", type=local_path, required=True, help="landing folder, see docs/landing.md")
    parser.add_argument("--once", action="store_true", help="move what is there, then end")
    add_options(parser)
    options = parser.parse_args(arguments)
    options.settings = load_options(parser, options).settings
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    """Move the stream once, or again and again until told to stop; returns the exit status."""
    options = parse_arguments(arguments)
    start_logging("INFO")
    rules: DrainRules = options.settings.drain
    _LOG.info("settings %s", hash_of_read(options.settings, "drain"))
    is_stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: is_stopped.set())
    try:
        with only_drain(options.landing), closing(connect(options.redis, rules)) as client:
            is_done = _pass(client, options.landing, rules)
            while not options.once and not is_stopped.wait(rules.every_s):
                is_done = _pass(client, options.landing, rules)
    except (DrainFailed, OSError) as error:
        print(f"serving.drain: {error}", file=sys.stderr)
        return 1
    return 0 if is_done or not options.once else 1


def _pass(client: Any, landing: Path, rules: DrainRules) -> bool:
    """One pass; a failure is logged, and whether it went well is returned."""
    try:
        moved = drain(client, landing, rules)
    except DrainFailed as error:
        _LOG.error("%s", error)
        return False
    if moved.num_entries:
        _LOG.info("drained", extra={"fields": asdict(moved)})
    return True


if __name__ == "__main__":
    raise SystemExit(main())
