"""Command line of the reader: ``python -m serving.reader --redis redis://127.0.0.1:6379``."""

import argparse
import logging
import sys
from dataclasses import asdict, replace
from pathlib import Path

import uvloop

from contracts.settings.hashes import hash_of
from contracts.settings.options import add_options, load_options
from serving.reader.app import create_app
from serving.reader.config import ReaderConfig, load_secret
from serving.reader.request_log import JsonFormatter
from serving.reader.server import Address, serve, share_descriptors

SHORT = {"--max-connections": "reader_limits.connections", "--breaker-open-s": "reader.breaker_open_s"}
"""Options that stand for one setting each."""


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """The command line, parsed."""
    parser = argparse.ArgumentParser(prog="python -m serving.reader", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default %(default)s)")
    parser.add_argument("--port", type=int, default=8080, help="port to listen on (default %(default)s)")
    parser.add_argument("--internal-host", default="127.0.0.1", help="address of --internal-port (default %(default)s)")
    parser.add_argument("--internal-port", type=int, help="port for /metrics and /docs, which --port then lacks")
    parser.add_argument("--redis", default="redis://127.0.0.1:6379/0", help="Redis URL (default %(default)s)")
    parser.add_argument("--secret-file", type=Path, help="file with the JWT secret (default: see docs/serving.md)")
    parser.add_argument("--log-level", default="INFO", choices=("DEBUG", "INFO", "WARNING", "ERROR"))
    for option, key in SHORT.items():
        parser.add_argument(option, metavar="VALUE", help=f"short for --set {key}")
    parser.add_argument(
        "--redis-timeout-ms", type=float, help="short for --set reader.redis_timeout_s, in milliseconds"
    )
    add_options(parser)
    options = parser.parse_args(arguments)
    given = {key: getattr(options, option.removeprefix("--").replace("-", "_")) for option, key in SHORT.items()}
    if options.redis_timeout_ms is not None:
        given["reader.redis_timeout_s"] = options.redis_timeout_ms / 1000
    more = [f"{key}={value}" for key, value in given.items() if value is not None]
    options.settings = load_options(parser, options, more=more).settings
    return options


def main(arguments: list[str] | None = None) -> int:
    """Serve until told to stop; returns the exit status."""
    options = parse_arguments(arguments)
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=options.log_level, handlers=[handler])
    rules, limits = options.settings.reader, options.settings.reader_limits
    logging.getLogger("serving.reader").info(
        "settings %s", hash_of({"reader": asdict(rules), "reader_limits": asdict(limits)})
    )
    try:
        secret = load_secret(secret_file=options.secret_file)
        num_clients, num_redis = share_descriptors(limits.connections, rules.max_redis_connections)
    except (OSError, ValueError) as error:
        print(f"serving.reader: {error}", file=sys.stderr)
        return 2
    config = ReaderConfig(**{**asdict(rules), "max_redis_connections": num_redis}, redis_url=options.redis)
    public = Address(options.host, options.port)
    internal = Address(options.internal_host, options.internal_port) if options.internal_port else None
    uvloop.install()
    serve(create_app(config, secret), public, internal, replace(limits, connections=num_clients))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
