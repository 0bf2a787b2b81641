"""The HTTP server under a service, with the limits that hold before any of our code sees a request.

Granian on the process's own event loop: it bounds the bytes and number of headers (431), the time in which they must
have come in, the time for which a connection may idle, and how many connections there are at once; those beyond wait
in the kernel's queue. See docs/adr/0007-granian-serves-the-reader.md for the servers that were compared.
"""

import asyncio
import logging
import resource
import signal
from collections.abc import Collection
from dataclasses import dataclass

from fastapi import FastAPI
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.server.embed import Server
from starlette.types import ASGIApp, Receive, Scope, Send

from contracts.settings import ReaderLimits

_LOG = logging.getLogger(__name__)
_HEALTH = ("/healthz", "/readyz")
_OWN_DESCRIPTORS = 40  # libraries, logs, event loop, listeners


@dataclass(frozen=True)
class Address:
    """Where to listen."""

    host: str
    port: int


class OnlyPublicPaths:
    """ASGI middleware of a listener that shows health and a service's own paths; everything else is not found.

    A path of ``paths`` that ends in ``/`` stands for all that begin with it.
    """

    def __init__(self, app: ASGIApp, paths: Collection[str]) -> None:
        self._app = app
        self._paths = frozenset((*_HEALTH, *paths))
        self._beginnings = tuple(path for path in paths if path.endswith("/"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] == "http" and not self._is_public(scope["path"]):
            scope = {**scope, "path": "/", "raw_path": b"/"}
        await self._app(scope, receive, send)

    def _is_public(self, path: str) -> bool:
        return path in self._paths or (bool(self._beginnings) and path.startswith(self._beginnings))


def share_descriptors(wanted_http: int, wanted_redis: int) -> tuple[int, int]:
    """Connections to clients and to Redis that the process may have under its limit of open files, which it raises.

    If the limit allows fewer than needed, two thirds are for clients; raises ``ValueError`` if it allows none.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = wanted_http + wanted_redis + _OWN_DESCRIPTORS
    if soft != resource.RLIM_INFINITY and soft < needed:
        soft = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        if soft < needed:
            left = soft - _OWN_DESCRIPTORS
            if left < 3:  # noqa: PLR2004 - one to Redis and two to clients
                raise ValueError(f"the limit of {soft} open files is too low: raise it to {needed} (ulimit -n)")
            _LOG.warning(
                "the limit of %d open files allows %d connections of clients, not %d: raise it to %d (ulimit -n)",
                *(soft, left - left // 3, wanted_http, needed),
            )
            return left - left // 3, left // 3
    return wanted_http, wanted_redis


def serve(
    app: FastAPI, public: Address, internal: Address | None, limits: ReaderLimits, paths: Collection[str]
) -> None:
    """Serve until SIGINT or SIGTERM; with ``internal``, metrics and documentation are there and not on ``public``.

    ``paths`` are the service's own, see ``OnlyPublicPaths``.
    """
    asyncio.run(_serve(app, public, internal, limits, paths))


async def _serve(
    app: FastAPI, public: Address, internal: Address | None, limits: ReaderLimits, paths: Collection[str]
) -> None:
    shown: ASGIApp = app if internal is None else OnlyPublicPaths(app, paths)
    servers = [_listen(shown, public, Interfaces.ASGI, limits.connections, limits)]
    if internal is not None:
        servers.append(_listen(app, internal, Interfaces.ASGINL, limits.internal_connections, limits))

    def stop() -> None:
        for server in servers:
            server.stop()  # type: ignore[no-untyped-call]

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    for listener in (public, internal):
        if listener is not None:
            _LOG.info("listening on http://%s:%d", listener.host, listener.port)
    await asyncio.gather(*(server.serve() for server in servers))


def _listen(app: ASGIApp, address: Address, interface: Interfaces, connections: int, limits: ReaderLimits) -> Server:
    return Server(
        app,
        address=address.host,
        port=address.port,
        interface=interface,
        http=HTTPModes.http1,
        websockets=False,
        backlog=limits.backlog,
        backpressure=connections,
        http1_settings=HTTP1Settings(header_read_timeout=limits.header_timeout_ms, max_buffer_size=limits.header_bytes),
        log_enabled=False,
    )
