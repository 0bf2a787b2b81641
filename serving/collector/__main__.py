"""Command line of the collector: ``python -m serving.collector --redis redis://127.0.0.1:6380``."""

import argparse
import logging
import sys
from dataclasses import asdict, replace

import uvloop

from contracts.settings.hashes import hash_of_read
from contracts.settings.options import add_options, load_options
from serving.collector.app import create_app
from serving.collector.config import CollectorConfig
from serving.collector.paths import PUBLIC_PATHS
from serving.http.auth import TokenRules
from serving.http.command_line import add_server_options, addresses
from serving.http.json_log import start_logging
from serving.http.public_keys import PublicKeys
from serving.http.secret import load_secret
from serving.http.server import serve, share_descriptors
from storage import open_folder
from storage.check import check_options
from storage.redis_clients import is_cluster

READ = (
    "collector",
    "reader_limits",
    "reader.keys_refresh_s",
    "reader.max_token_lifetime_s",
    "reader.token_audience",
    "publish.key_ttl_s",
    "dataset.late_days",
)
"""The sections and single settings that a collector reads."""


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """The command line, parsed."""
    parser = argparse.ArgumentParser(prog="python -m serving.collector", description=__doc__)
    add_server_options(parser, port=8081)
    parser.add_argument("--redis", required=True, help="URL of the collector's own Redis, with `appendfsync always`")
    parser.add_argument("--serving-redis", help="URL of the Redis that feeds are read from (default: none)")
    parser.add_argument("--landing", help="landing folder, for its dataset.json")
    add_options(parser)
    options = parser.parse_args(arguments)
    check_options(parser, options, "landing")
    if is_cluster(options.redis):
        parser.error(f"--redis {options.redis}: the stream of events is on one server, not in a cluster")
    options.settings = load_options(parser, options, open_folder(options.landing) if options.landing else None).settings
    return options


def main(arguments: list[str] | None = None) -> int:
    """Serve until told to stop; returns the exit status."""
    options = parse_arguments(arguments)
    start_logging(options.log_level)
    rules, limits, reader = options.settings.collector, options.settings.reader_limits, options.settings.reader
    logging.getLogger("serving.collector").info("settings %s", hash_of_read(options.settings, *READ))
    try:
        secret = load_secret(secret_file=options.secret_file)
        keys = PublicKeys(options.jwks, reader.keys_refresh_s) if options.jwks else None
        num_clients, num_redis = share_descriptors(limits.connections, 2 * rules.max_redis_connections)
    except (OSError, ValueError) as error:
        print(f"serving.collector: {error}", file=sys.stderr)
        return 2
    config = CollectorConfig(
        **{**asdict(rules), "max_redis_connections": max(1, num_redis // 2)},
        redis_url=options.redis,
        serving_redis_url=options.serving_redis,
        late_days=options.settings.dataset.late_days,
        key_ttl_s=options.settings.publish.key_ttl_s,
    )
    tokens = TokenRules(secret, reader.token_audience, reader.max_token_lifetime_s, keys)
    uvloop.install()
    serve(create_app(config, tokens), *addresses(options), replace(limits, connections=num_clients), PUBLIC_PATHS)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
