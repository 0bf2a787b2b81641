"""Command line of the reader: ``python -m serving.reader --redis redis://127.0.0.1:6379``."""

import argparse
import logging
import sys
from pathlib import Path

import uvloop

from serving.reader.app import create_app
from serving.reader.config import ReaderConfig, load_secret
from serving.reader.request_log import JsonFormatter
from serving.reader.server import Address, Limits, serve, share_descriptors


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """The command line, parsed."""
    parser = argparse.ArgumentParser(prog="python -m serving.reader", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default %(default)s)")
    parser.add_argument("--port", type=int, default=8080, help="port to listen on (default %(default)s)")
    parser.add_argument("--internal-host", default="127.0.0.1", help="address of --internal-port (default %(default)s)")
    parser.add_argument("--internal-port", type=int, help="port for /metrics and /docs, which --port then lacks")
    parser.add_argument("--max-connections", type=int, default=512, help="of clients at once (default %(default)s)")
    parser.add_argument("--redis", default="redis://127.0.0.1:6379/0", help="Redis URL (default %(default)s)")
    parser.add_argument("--secret-file", type=Path, help="file with the JWT secret (default: see docs/serving.md)")
    parser.add_argument("--redis-timeout-ms", type=float, default=50.0, help="connect and read (default %(default)s)")
    parser.add_argument("--breaker-open-s", type=float, default=60.0, help="open time (default %(default)s)")
    parser.add_argument("--log-level", default="INFO", choices=("DEBUG", "INFO", "WARNING", "ERROR"))
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Serve until told to stop; returns the exit status."""
    options = parse_arguments(arguments)
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=options.log_level, handlers=[handler])
    try:
        secret = load_secret(secret_file=options.secret_file)
        num_clients, num_redis = share_descriptors(options.max_connections, ReaderConfig.max_redis_connections)
    except (OSError, ValueError) as error:
        print(f"serving.reader: {error}", file=sys.stderr)
        return 2
    config = ReaderConfig(
        redis_url=options.redis,
        redis_timeout_s=options.redis_timeout_ms / 1000,
        max_redis_connections=num_redis,
        breaker_open_s=options.breaker_open_s,
    )
    public = Address(options.host, options.port)
    internal = Address(options.internal_host, options.internal_port) if options.internal_port else None
    uvloop.install()
    serve(create_app(config, secret), public, internal, Limits(connections=num_clients))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
