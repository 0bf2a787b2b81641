"""Options that every service's command line has: addresses, the secret, public keys, the log."""

import argparse
import os
from pathlib import Path

from serving.http.server import Address


def add_server_options(parser: argparse.ArgumentParser, port: int) -> None:
    """Add addresses, ``--secret-file`` and ``--log-level``; ``port`` is the default port."""
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default %(default)s)")
    parser.add_argument("--port", type=int, default=port, help="port to listen on (default %(default)s)")
    parser.add_argument("--internal-host", default="127.0.0.1", help="address of --internal-port (default %(default)s)")
    parser.add_argument("--internal-port", type=int, help="port for /metrics and /docs, which --port then lacks")
    parser.add_argument("--secret-file", type=Path, help="file with the JWT secret (default: see docs/serving.md)")
    parser.add_argument(
        "--jwks",
        metavar="PLACE",
        default=os.environ.get("FEEDLAKE_JWKS") or None,
        help="https URL or file of the public keys that also sign tokens (default: FEEDLAKE_JWKS, else none)",
    )
    parser.add_argument("--log-level", default="INFO", choices=("DEBUG", "INFO", "WARNING", "ERROR"))


def addresses(options: argparse.Namespace) -> tuple[Address, Address | None]:
    """The public address, and the internal one where it was asked for."""
    internal = Address(options.internal_host, options.internal_port) if options.internal_port else None
    return Address(options.host, options.port), internal
