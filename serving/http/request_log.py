"""One id and one structured log line per request."""

import logging
import re
import time
import uuid
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.http.metrics import HttpMetrics

_ACCEPTABLE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
ALWAYS_SENT = {"X-Content-Type-Options": "nosniff"}
"""Headers of every answer."""
RouteOf = Callable[[str], str | None]
"""The name of the route that a path belongs to; None: none of the service's own."""
_OTHER = "other"
_SHELL_PATHS = frozenset({"/healthz", "/readyz", "/metrics", "/docs", "/openapi.json"})


class RequestLog:
    """ASGI middleware: takes or makes ``X-Request-ID``, echoes it, times the request, counts and logs it.

    Adds the headers of every answer.
    """

    def __init__(self, app: ASGIApp, metrics: HttpMetrics, service: str, route_of: RouteOf) -> None:
        self._app = app
        self._metrics = metrics
        self._route_of = route_of
        self._log = logging.getLogger(f"serving.{service}.requests")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request; anything but HTTP passes through."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        offered = Headers(scope=scope).get("x-request-id", "")
        request_id = offered if _ACCEPTABLE_ID.fullmatch(offered) else uuid.uuid4().hex
        state: dict[str, Any] = scope.setdefault("state", {})
        state.update(request_id=request_id, started=started)
        status = HTTPStatus.INTERNAL_SERVER_ERROR.value

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message).update({**ALWAYS_SENT, "X-Request-ID": request_id})
            await send(message)

        try:
            await self._app(scope, receive, send_with_id)
        finally:
            self._record(scope["path"], status, request_id, state.get("served_from"), time.perf_counter() - started)

    def _record(self, path: str, status: int, request_id: str, served_from: str | None, took_s: float) -> None:
        route = self._route_of(path) or (path if path in _SHELL_PATHS else _OTHER)
        self._metrics.requests.labels(route, status).inc()
        self._metrics.observe(route, served_from, took_s)
        fields = {"request_id": request_id, "path": route, "status": status, "took_ms": round(took_s * 1000, 3)}
        if served_from is not None:
            fields["served_from"] = served_from
        self._log.info("request", extra={"fields": fields})
