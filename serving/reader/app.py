"""The reader as a web application: its parts, routes and errors."""

import gc
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, nullcontext
from typing import Any

from fastapi import FastAPI, Request, Response, Security

from serving.http.auth import BEARER, TokenRules
from serving.http.problems import PROBLEM_RESPONSE
from serving.http.public_keys import PublicKeys
from serving.http.shell import add_request_log, create_shell, not_ready
from serving.page.config import PageConfig
from serving.page.routes import add_page, open_page
from serving.page.routes import route_of as page_route_of
from serving.reader.breaker import CircuitBreaker
from serving.reader.config import ReaderConfig
from serving.reader.cursor import CursorCodec
from serving.reader.fallback import SnapshotKeeper
from serving.reader.feed import FeedReader
from serving.reader.feed_route import PlainFeed, get_feed
from serving.reader.metrics import FEED_PATH, ReaderMetrics
from serving.reader.pages import PageFiller
from serving.reader.recording import PageRecorder
from serving.reader.redis_calls import StoreUnavailableError
from serving.reader.refusals import Refusals
from serving.reader.responses import FeedResponse
from serving.reader.store import Store

_ERRORS: dict[int | str, dict[str, Any]] = {
    400: {**PROBLEM_RESPONSE, "description": "count, filter or cursor is wrong; `detail` says which"},
    401: {**PROBLEM_RESPONSE, "description": "the bearer token is missing, wrong or expired"},
    503: {**PROBLEM_RESPONSE, "description": "no level has anything to serve"},
    "default": {**PROBLEM_RESPONSE, "description": "any other error"},
}


def nobody_has_an_arm(user_id: int) -> None:
    """The arms of a reader without experiments."""
    del user_id


def create_app(
    config: ReaderConfig,
    secret: bytes,
    arm_of: Callable[[int], str | None] = nobody_has_an_arm,
    page: PageConfig | None = None,
    keys: PublicKeys | None = None,
) -> FastAPI:
    """The application; its Redis connections live as long as its lifespan.

    ``arm_of`` gives a user's arm, None where they have none. It is asked for every feed, so it must not wait.
    ``page`` is served in demo mode only; ``ValueError`` otherwise. ``keys`` may sign tokens beside the secret.
    """
    if (page is None) != (config.mode == "production"):
        raise ValueError(f"a reader in {config.mode} mode has {'no' if page else 'a'} page")
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
        app.state.recorder = PageRecorder(config.records, config, secret, metrics)
        app.state.recorder.sweep()
        app.state.reader = FeedReader(store, keeper, filler, refusals, config.remembered_users)
        await keeper.start()
        gc.collect()
        gc.freeze()
        async with open_page(app, page) if page else nullcontext():
            yield
        await keeper.stop()
        await store.close()

    tokens = TokenRules(secret, config.token_audience, config.max_token_lifetime_s, keys)
    app = create_shell("reader", lifespan, tokens, metrics, _with_page if page else _route_of)
    app.state.arm_of = arm_of
    app.add_middleware(PlainFeed)
    add_request_log(app)
    app.add_api_route(
        FEED_PATH, get_feed, responses=_ERRORS, response_model=FeedResponse, dependencies=[Security(BEARER)]
    )
    app.add_api_route("/readyz", get_readiness, include_in_schema=False)
    if page:
        add_page(app, page, tokens)
    return app


def _route_of(path: str) -> str | None:
    return path if path == FEED_PATH else None


def _with_page(path: str) -> str | None:
    return path if path == FEED_PATH else page_route_of(path)


async def get_readiness(request: Request) -> Response:
    """Whether requests are answered from Redis: its answers count, and this process has read an epoch."""
    state = request.app.state
    try:
        pointer = await state.store.check()
    except StoreUnavailableError as error:
        return not_ready(str(error), request)
    snapshot = state.keeper.current
    if snapshot is None:
        return not_ready(f"epoch {pointer.stable} has not been read yet: {state.keeper.failure}", request)
    refused = f", and not epoch {snapshot.refused}: none of its public pools can be read" if snapshot.refused else ""
    return Response(f"ready, epoch {snapshot.pointer.stable}{refused}", media_type="text/plain")
