"""Command line of the reader: ``python -m serving.reader --redis redis://127.0.0.1:6379``."""

import argparse
import logging
import sys
from dataclasses import asdict, replace
from pathlib import Path

import uvloop

from contracts.settings.hashes import hash_of_read
from contracts.settings.options import add_options, load_options
from serving.http.command_line import add_server_options, addresses
from serving.http.json_log import start_logging
from serving.http.public_keys import PublicKeys
from serving.http.secret import load_secret
from serving.http.server import serve, share_descriptors
from serving.page.config import PageConfig
from serving.reader.app import create_app
from serving.reader.config import ReaderConfig
from serving.reader.metrics import FEED_PATH
from storage.redis_clients import is_cluster

SHORT = {"--max-connections": "reader_limits.connections", "--breaker-open-s": "reader.breaker_open_s"}
"""Options that stand for one setting each."""
READ = ("reader", "reader_limits")
READ_IN_DEMO_MODE = (*READ, "page")
"""The sections that a reader reads."""
LOOPBACK = ("127.0.0.1", "localhost", "::1")


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """The command line, parsed."""
    parser = argparse.ArgumentParser(prog="python -m serving.reader", description=__doc__)
    add_server_options(parser, port=8080)
    parser.add_argument("--redis", default="redis://127.0.0.1:6379/0", help="Redis URL (default %(default)s)")
    for option, key in SHORT.items():
        parser.add_argument(option, metavar="VALUE", help=f"short for --set {key}")
    parser.add_argument(
        "--redis-timeout-ms", type=float, help="short for --set reader.redis_timeout_s, in milliseconds"
    )
    parser.add_argument(
        "--collector", metavar="URL", help="where the demo page sends what people do (default: nowhere)"
    )
    parser.add_argument(
        "--records", type=Path, metavar="FOLDER", help="folder for records of pages, see docs/replay.md (default: none)"
    )
    add_options(parser)
    options = parser.parse_args(arguments)
    given = {key: getattr(options, option.removeprefix("--").replace("-", "_")) for option, key in SHORT.items()}
    if options.redis_timeout_ms is not None:
        given["reader.redis_timeout_s"] = options.redis_timeout_ms / 1000
    more = [f"{key}={value}" for key, value in given.items() if value is not None]
    options.settings = load_options(parser, options, more=more).settings
    refusal = contradiction(options)
    if refusal:
        parser.exit(2, f"{parser.prog}: {refusal}\n")
    return options


def contradiction(options: argparse.Namespace) -> str | None:
    """Options that contradict each other or the reader's mode, if any.

    A page that gives tokens away stays on this machine.
    """
    if options.settings.reader.replay_share and not options.records:
        return "reader.replay_share is above 0, and there is no --records FOLDER to record pages in"
    if options.settings.reader.mode == "production":
        return "--collector is for reader.mode = demo only" if options.collector else None
    refusals = (
        (
            options.host not in LOOPBACK,
            f"--host {options.host}: in demo mode anyone may become any user; allowed is {' or '.join(LOOPBACK)}",
        ),
        (options.jwks, "--jwks is for production: in demo mode the page gives the tokens"),
        (is_cluster(options.redis), "--redis names a cluster: in demo mode feeds come from one server"),
        (
            options.internal_port,
            "--internal-port is for a reader behind a proxy; in demo mode there is none: leave it out",
        ),
    )
    return next((text for holds, text in refusals if holds), None)


def main(arguments: list[str] | None = None) -> int:
    """Serve until told to stop; returns the exit status."""
    options = parse_arguments(arguments)
    start_logging(options.log_level)
    rules, limits = options.settings.reader, options.settings.reader_limits
    read = READ_IN_DEMO_MODE if rules.mode == "demo" else READ
    logging.getLogger("serving.reader").info("settings %s", hash_of_read(options.settings, *read))
    try:
        secret = load_secret(secret_file=options.secret_file)
        keys = PublicKeys(options.jwks, rules.keys_refresh_s) if options.jwks else None
        num_clients, num_redis = share_descriptors(limits.connections, rules.max_redis_connections)
    except (OSError, ValueError) as error:
        print(f"serving.reader: {error}", file=sys.stderr)
        return 2
    words = {**asdict(rules), "max_redis_connections": num_redis}
    config = ReaderConfig(**words, redis_url=options.redis, records=options.records)
    page = None
    if rules.mode == "demo":
        page_rules = asdict(options.settings.page)
        page = PageConfig(**page_rules, redis_url=options.redis, collector_url=options.collector)
    uvloop.install()
    limits = replace(limits, connections=num_clients)
    serve(create_app(config, secret, page=page, keys=keys), *addresses(options), limits, paths=[FEED_PATH])
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
