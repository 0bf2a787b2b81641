"""One id and one structured log line per request."""

import json
import logging
import re
import time
import uuid
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.reader.metrics import ReaderMetrics

_LOG = logging.getLogger("serving.reader.requests")
_ACCEPTABLE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
ALWAYS_SENT = {"X-Content-Type-Options": "nosniff"}
"""Headers of every answer."""
_KNOWN_PATHS = frozenset({"/api/v1/feed", "/healthz", "/readyz", "/metrics", "/docs", "/openapi.json"})


class JsonFormatter(logging.Formatter):
    """A log record as one JSON object; ``extra={"fields": {...}}`` stands beside the message."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


class RequestLog:
    """ASGI middleware: takes or makes ``X-Request-ID``, echoes it, times the request, counts and logs it.

    Adds the headers of every answer.
    """

    def __init__(self, app: ASGIApp, metrics: ReaderMetrics) -> None:
        self._app = app
        self._metrics = metrics

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
        known = path if path in _KNOWN_PATHS else "other"
        self._metrics.requests.labels(known, status).inc()
        if known == "/api/v1/feed":
            self._metrics.latency.labels(served_from or "none").observe(took_s)
        fields = {"request_id": request_id, "path": known, "status": status, "took_ms": round(took_s * 1000, 3)}
        if served_from is not None:
            fields["served_from"] = served_from
        _LOG.info("request", extra={"fields": fields})
