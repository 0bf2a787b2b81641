"""The HTTP server under the reader, with the limits that hold before any of our code sees a request.

Granian on the process's own event loop: it bounds the bytes and number of headers (431), the time in which they must
have come in, the time for which a connection may idle, and how many connections there are at once; those beyond wait
in the kernel's queue. See docs/adr/0007-granian-serves-the-reader.md for the servers that were compared.
"""

import asyncio
import logging
import resource
import signal
from dataclasses import dataclass

from fastapi import FastAPI
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.server.embed import Server
from starlette.types import ASGIApp, Receive, Scope, Send

from contracts.settings import ReaderLimits

_LOG = logging.getLogger(__name__)
_PUBLIC_PATHS = frozenset({"/api/v1/feed", "/healthz", "/readyz"})
_OWN_DESCRIPTORS = 40  # libraries, logs, event loop, listeners


@dataclass(frozen=True)
class Address:
    """Where to listen."""

    host: str
    port: int


class OnlyPublicPaths:
    """ASGI middleware of a listener that shows the feed and health alone; everything else is not found."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] == "http" and scope["path"] not in _PUBLIC_PATHS:
            scope = {**scope, "path": "/", "raw_path": b"/"}
        await self._app(scope, receive, send)


def share_descriptors(wanted_http: int, wanted_redis: int) -> tuple[int, int]:
    """Connections to clients and to Redis that the process may have under its limit of open files, which it raises.

    Where the limit allows fewer than wanted, two thirds are for clients; raises ``ValueError`` where it allows none.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = wanted_http + wanted_redis + _OWN_DESCRIPTORS
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        if soft < wanted:
            left = soft - _OWN_DESCRIPTORS
            if left < 3:  # noqa: PLR2004 - one to Redis and two to clients
                raise ValueError(f"the limit of {soft} open files is too low: raise it to {wanted} (ulimit -n)")
            _LOG.warning(
                "the limit of %d open files allows %d connections of clients, not %d: raise it to %d (ulimit -n)",
                *(soft, left - left // 3, wanted_http, wanted),
            )
            return left - left // 3, left // 3
    return wanted_http, wanted_redis


def serve(app: FastAPI, public: Address, internal: Address | None, limits: ReaderLimits) -> None:
    """Serve until SIGINT or SIGTERM; with ``internal``, metrics and documentation are there and not on ``public``."""
    asyncio.run(_serve(app, public, internal, limits))


async def _serve(app: FastAPI, public: Address, internal: Address | None, limits: ReaderLimits) -> None:
    shown: ASGIApp = app if internal is None else OnlyPublicPaths(app)
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
