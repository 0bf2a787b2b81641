"""The shell of every service's application: token rules, request log, health, metrics, and errors as problems."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from http import HTTPStatus

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.exceptions import HTTPException

from serving.http.auth import TokenRules, asking_user, unauthorized
from serving.http.metrics import HttpMetrics
from serving.http.problems import problem
from serving.http.request_log import ALWAYS_SENT, RequestLog, RouteOf
from serving.http.tokens import TokenError

_LOG = logging.getLogger(__name__)

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


def create_shell(
    service: str,
    lifespan: Lifespan,
    tokens: TokenRules,
    metrics: HttpMetrics,
    route_of: RouteOf,
) -> FastAPI:
    """An application without routes of its own; ``service`` is its name, such as ``reader``.

    A service adds its routes, ``/readyz`` among them, and its middleware by ``add_request_log``.
    """
    # A redirect to the path without its slash would name whatever host the request names.
    app = FastAPI(title=f"Feedlake {service}", version="1", lifespan=_with_fresh_keys(lifespan), redirect_slashes=False)
    app.state.tokens, app.state.metrics, app.state.service, app.state.route_of = tokens, metrics, service, route_of
    app.add_api_route("/healthz", get_health, include_in_schema=False)
    app.add_api_route("/metrics", get_metrics, include_in_schema=False)
    app.add_exception_handler(RequestValidationError, _refuse_parameters)
    app.add_exception_handler(HTTPException, _refuse_request)
    app.add_exception_handler(Exception, _report_failure)
    return app


def _with_fresh_keys(lifespan: Lifespan) -> Lifespan:
    @asynccontextmanager
    async def both(app: FastAPI) -> AsyncIterator[None]:
        keys = app.state.tokens.keys
        renewing = asyncio.create_task(keys.keep_fresh()) if keys else None
        async with lifespan(app):
            yield
        if renewing:
            renewing.cancel()

    return both


def add_request_log(app: FastAPI) -> None:
    """Log, count and time every request; middleware added before this is logged too."""
    state = app.state
    app.add_middleware(RequestLog, metrics=state.metrics, service=state.service, route_of=state.route_of)


async def get_health() -> Response:
    """Whether the process runs."""
    return Response("ok", media_type="text/plain")


async def get_metrics(request: Request) -> Response:
    """Prometheus metrics."""
    return Response(generate_latest(request.app.state.metrics.registry), media_type=CONTENT_TYPE_LATEST)


def not_ready(detail: str, request: Request) -> Response:
    """The answer of ``/readyz`` while requests cannot be served; ``detail`` says why."""
    return problem(HTTPStatus.SERVICE_UNAVAILABLE, detail, request.state.request_id)


async def _refuse_parameters(request: Request, error: Exception) -> Response:
    """400 for parameters; a caller without a valid token learns only that."""
    try:
        asking_user(request)
    except TokenError as refusal:
        return unauthorized(str(refusal), request)
    assert isinstance(error, RequestValidationError)
    details = [f"{item['loc'][-1]}: {item['msg']}" for item in error.errors()]
    return problem(HTTPStatus.BAD_REQUEST, "; ".join(details), request.state.request_id)


async def _refuse_request(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    headers = dict(error.headers) if error.headers else None
    return problem(HTTPStatus(error.status_code), str(error.detail), request.state.request_id, headers)


async def _report_failure(request: Request, error: Exception) -> Response:
    request_id = request.scope.get("state", {}).get("request_id")
    _LOG.error("unhandled error", exc_info=error, extra={"fields": {"request_id": request_id}})
    detail = f"the {request.app.state.service} failed; the log has the request id"
    return problem(HTTPStatus.INTERNAL_SERVER_ERROR, detail, request_id, ALWAYS_SENT)
