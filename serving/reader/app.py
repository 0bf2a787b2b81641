"""The reader as a web application: its parts, routes and errors."""

import gc
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response, Security
from fastapi.exceptions import RequestValidationError
from fastapi.security import HTTPBearer
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.exceptions import HTTPException

from serving.reader.breaker import CircuitBreaker
from serving.reader.config import ReaderConfig
from serving.reader.cursor import CursorCodec
from serving.reader.fallback import SnapshotKeeper
from serving.reader.feed import FeedReader
from serving.reader.feed_route import FEED_PATH, PlainFeed, asking_user, get_feed, unauthorized
from serving.reader.metrics import ReaderMetrics
from serving.reader.pages import PageFiller
from serving.reader.redis_calls import StoreUnavailableError
from serving.reader.refusals import Refusals
from serving.reader.request_log import ALWAYS_SENT, RequestLog
from serving.reader.responses import FeedResponse, Problem, problem
from serving.reader.store import Store
from serving.reader.tokens import TokenError

_PROBLEM = {"model": Problem, "content": {"application/problem+json": {}}}
_ERRORS: dict[int | str, dict[str, Any]] = {
    400: {**_PROBLEM, "description": "count, filter or cursor is wrong; `detail` says which"},
    401: {**_PROBLEM, "description": "the bearer token is missing, wrong or expired"},
    503: {**_PROBLEM, "description": "no level has anything to serve"},
    "default": {**_PROBLEM, "description": "any other error"},
}
_BEARER = HTTPBearer(bearerFormat="JWT", description="HS256; sub = user id, aud = feedlake, exp", auto_error=False)
_LOG = logging.getLogger(__name__)


def nobody_has_an_arm(user_id: int) -> None:
    """The arms of a reader without experiments."""
    del user_id


def create_app(config: ReaderConfig, secret: bytes, arm_of: Callable[[int], str | None] = nobody_has_an_arm) -> FastAPI:
    """The application; its Redis connections live as long as its lifespan.

    ``arm_of`` gives a user's arm, None where they have none. It is asked for every feed, so it must not wait.
    """
    metrics = ReaderMetrics()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        breaker = CircuitBreaker(config.breaker_failures, config.breaker_open_s)
        metrics.watch(breaker)
        refusals = Refusals(metrics)
        store = Store(config, breaker, refusals)
        keeper = SnapshotKeeper(store, config, metrics, refusals)
        codec = CursorCodec(secret, config.cursor_lifetime_s)
        filler = PageFiller(store, codec, metrics, refusals, config.card_cache_bytes)
        app.state.store, app.state.keeper = store, keeper
        app.state.reader = FeedReader(store, keeper, filler, refusals, config.remembered_users)
        await keeper.start()
        gc.collect()
        gc.freeze()
        yield
        await keeper.stop()
        await store.close()

    # A redirect to the path without its slash would name whatever host the request names.
    app = FastAPI(title="Feedlake reader", version="1", lifespan=lifespan, redirect_slashes=False)
    app.state.secret, app.state.config, app.state.metrics, app.state.arm_of = secret, config, metrics, arm_of
    app.add_middleware(PlainFeed)
    app.add_middleware(RequestLog, metrics=metrics)
    app.add_api_route(
        FEED_PATH, get_feed, responses=_ERRORS, response_model=FeedResponse, dependencies=[Security(_BEARER)]
    )
    app.add_api_route("/healthz", get_health, include_in_schema=False)
    app.add_api_route("/readyz", get_readiness, include_in_schema=False)
    app.add_api_route("/metrics", get_metrics, include_in_schema=False)
    app.add_exception_handler(RequestValidationError, _refuse_parameters)
    app.add_exception_handler(HTTPException, _refuse_request)
    app.add_exception_handler(Exception, _report_failure)
    return app


async def get_health() -> Response:
    """Whether the process runs."""
    return Response("ok", media_type="text/plain")


async def get_readiness(request: Request) -> Response:
    """Whether requests are answered from Redis: its answers count, and this process has read an epoch."""
    state = request.app.state
    try:
        pointer = await state.store.check()
    except StoreUnavailableError as error:
        return _not_ready(str(error), request)
    snapshot = state.keeper.current
    if snapshot is None:
        return _not_ready(f"epoch {pointer.stable} has not been read yet: {state.keeper.failure}", request)
    refused = f", and not epoch {snapshot.refused}: none of its public pools can be read" if snapshot.refused else ""
    return Response(f"ready, epoch {snapshot.pointer.stable}{refused}", media_type="text/plain")


async def get_metrics(request: Request) -> Response:
    """Prometheus metrics."""
    return Response(generate_latest(request.app.state.metrics.registry), media_type=CONTENT_TYPE_LATEST)


def _not_ready(detail: str, request: Request) -> Response:
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
    detail = "the reader failed; the log has the request id"
    return problem(HTTPStatus.INTERNAL_SERVER_ERROR, detail, request_id, ALWAYS_SENT)
