"""The collector as a web application: its parts, routes and errors."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from fastapi import FastAPI, Request, Response, Security

from serving.collector.actions import OF_A_POST, taken_by
from serving.collector.config import CollectorConfig
from serving.collector.metrics import CollectorMetrics
from serving.collector.paths import (
    ACTION_PATHS,
    COMMENT_PATH,
    EVENTS_PATH,
    POST_PATH,
    POSTS_PATH,
    TAKEN_BACK_PATHS,
    route_of,
)
from serving.collector.responses import BATCH, Accepted, ActionTaken, PostDeleted, PostMade, RefusedBatch, json_body
from serving.collector.routes import delete_comment, post_events, post_post, remove_post, route_for, take_back_for
from serving.collector.serving_redis import ServingRedis
from serving.collector.stream import EventStream, StreamUnavailableError
from serving.http.auth import BEARER, TokenRules
from serving.http.problems import PROBLEM_RESPONSE
from serving.http.shell import add_request_log, create_shell, not_ready

_ERRORS: dict[int | str, dict[str, Any]] = {
    400: {**PROBLEM_RESPONSE, "model": RefusedBatch, "description": "what was sent breaks rules; nothing is taken"},
    401: {**PROBLEM_RESPONSE, "description": "the bearer token is missing, wrong or expired"},
    408: {**PROBLEM_RESPONSE, "description": "the body came too slowly"},
    413: {**PROBLEM_RESPONSE, "description": "the body is too large"},
    429: {**PROBLEM_RESPONSE, "description": "the user sent too much; `Retry-After` says when to go on"},
    503: {**PROBLEM_RESPONSE, "description": "nothing can be stored now; send it again after `Retry-After` seconds"},
    "default": {**PROBLEM_RESPONSE, "description": "any other error"},
}


def utc_now() -> datetime:
    """The collector's clock."""
    return datetime.fromtimestamp(time.time(), UTC)


def create_app(config: CollectorConfig, tokens: TokenRules, now: Callable[[], datetime] = utc_now) -> FastAPI:
    """The application; its Redis connections live as long as its lifespan."""
    metrics = CollectorMetrics()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.stream = EventStream(config, lambda: now().timestamp())
        app.state.serving = ServingRedis(config, metrics)
        yield
        await app.state.stream.close()
        await app.state.serving.close()

    app = create_shell("collector", lifespan, tokens, metrics, route_of)
    app.state.config, app.state.now = config, now
    add_request_log(app)
    app.add_api_route("/readyz", get_readiness, include_in_schema=False)
    _add_post(app, EVENTS_PATH, post_events, Accepted, BATCH)
    _add_post(app, POSTS_PATH, post_post, PostMade, json_body(OF_A_POST, "post_created", is_required=True))
    for action, path in ACTION_PATHS.items():
        body = json_body(taken_by(action), "engagement", is_required=action == "comment")
        _add_post(app, path, route_for(action), ActionTaken, body)
    for action, path in TAKEN_BACK_PATHS.items():
        _add_delete(app, path, take_back_for(action), ActionTaken)
    _add_delete(app, COMMENT_PATH, delete_comment, ActionTaken)
    _add_delete(app, POST_PATH, remove_post, PostDeleted)
    return app


def _add_delete(app: FastAPI, path: str, handler: Callable[..., Any], answer: type) -> None:
    app.add_api_route(
        path, handler, methods=["DELETE"], responses=_ERRORS, response_model=answer, dependencies=[Security(BEARER)]
    )


def _add_post(app: FastAPI, path: str, handler: Callable[..., Any], answer: type, body: dict[str, Any]) -> None:
    app.add_api_route(
        path,
        handler,
        methods=["POST"],
        status_code=201 if answer is PostMade else 200,
        responses=_ERRORS,
        response_model=answer,
        dependencies=[Security(BEARER)],
        openapi_extra=body,
    )


async def get_readiness(request: Request) -> Response:
    """Whether events can be taken in: the stream's Redis answers and keeps what it takes."""
    try:
        num_waiting = await request.app.state.stream.check()
    except StreamUnavailableError as error:
        return not_ready(str(error), request)
    return Response(f"ready, {num_waiting} events wait for the drain", media_type="text/plain")
