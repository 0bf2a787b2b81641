"""The collector's routes: who asks, what they send, and the answer once it is in the stream."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, get_args

from fastapi import Header, Path, Query, Request, Response

from contracts.lines.json_problems import Problem
from serving.collector.actions import (
    KEY,
    Submission,
    delete_post,
    is_made_with,
    not_your_post,
    read_action,
    read_post,
    take_back,
    take_comment_back,
)
from serving.collector.bodies import BodyError, lines_of, read_body
from serving.collector.events import Event, Refusal, RefusedError, read_batch
from serving.collector.paths import Action
from serving.collector.responses import Accepted, ActionTaken, PostDeleted, PostMade, refused
from serving.collector.stream import StreamUnavailableError, TooManyError
from serving.http.auth import asking_user, unauthorized
from serving.http.problems import problem
from serving.http.tokens import TokenError

if TYPE_CHECKING:
    from serving.collector.config import CollectorConfig

_LOG = logging.getLogger(__name__)
_INT64 = 2**63
_NO_STORE = {"Cache-Control": "no-store"}

Key = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        pattern=f"^{KEY}$",
        description="the same for every retry of one request, another one for every other request",
    ),
]
MadeWith = Annotated[
    str | None, Query(pattern=f"^{KEY}$", description="the Idempotency-Key that the post was made with")
]
PostId = Annotated[str, Path(pattern=r"^-?[0-9]{1,19}$", description="a 64-bit id")]


async def post_events(request: Request) -> Response:
    """Take a batch of impressions and engagements, one JSON object a line: all of it or nothing."""

    async def take(user_id: int, body: bytes) -> Response:
        config: CollectorConfig = request.app.state.config
        lines = lines_of(body, config.batch_events)
        events = read_batch(lines, user_id, request.app.state.now(), config)
        num_new = await _append(request, events, user_id)
        return _answer(Accepted(accepted=len(events), new=num_new))

    return await _taken(request, take)


async def post_post(request: Request, key: Key) -> Response:
    """Make a post."""

    async def take(user_id: int, body: bytes) -> Response:
        state = request.app.state
        made = read_post(Submission(user_id, key, body, state.now()), state.tokens.secret, state.config)
        await _append(request, [made.event], user_id, made.post_id)
        mentions = [str(one) for one in made.mentions]
        answer = PostMade(
            post_id=str(made.post_id), event_id=made.event.event_id, hashtags=list(made.hashtags), mentions=mentions
        )
        return _answer(answer, HTTPStatus.CREATED)

    return await _taken(request, take)


def route_for(action: Action) -> Callable[..., Awaitable[Response]]:
    """The handler of one engagement's route."""
    assert action in get_args(Action)

    async def post_action(request: Request, post_id: PostId, key: Key) -> Response:
        async def take(user_id: int, body: bytes) -> Response:
            state = request.app.state
            event = read_action(Submission(user_id, key, body, state.now()), action, _id_of(post_id), state.config)
            num_new = await _append(request, [event], user_id)
            stats = await state.serving.stats(user_id, int(post_id), action if num_new else None)
            return _answer(ActionTaken(event_id=event.event_id, stats=stats))

        return await _taken(request, take)

    post_action.__name__, post_action.__doc__ = f"post_{action}", f"{action.capitalize()} a post."
    return post_action


def take_back_for(action: Action) -> Callable[..., Awaitable[Response]]:
    """The handler that takes back an engagement."""

    async def delete_action(request: Request, post_id: PostId, key: Key) -> Response:
        async def take(user_id: int, _: bytes) -> Response:
            state = request.app.state
            event = take_back(Submission(user_id, key, b"", state.now()), action, _id_of(post_id), state.config)
            return await _taken_back(request, event, user_id, int(post_id))

        return await _taken(request, take)

    delete_action.__name__, delete_action.__doc__ = f"delete_{action}", f"Take back a {action}."
    return delete_action


async def delete_comment(request: Request, post_id: PostId, comment_id: str) -> Response:
    """Take back a comment."""

    async def take(user_id: int, _: bytes) -> Response:
        state = request.app.state
        submission = Submission(user_id, "", b"", state.now())
        event = take_comment_back(submission, comment_id, _id_of(post_id), state.config)
        return await _taken_back(request, event, user_id, int(post_id))

    return await _taken(request, take)


async def _taken_back(request: Request, event: Event, user_id: int, post_id: int) -> Response:
    """The answer, with the card's counts unchanged: it is unknown whether they include what was taken back."""
    await _append(request, [event], user_id)
    stats = await request.app.state.serving.stats(user_id, post_id, None)
    return _answer(ActionTaken(event_id=event.event_id, stats=stats))


async def remove_post(request: Request, post_id: PostId, made_with: MadeWith = None) -> Response:
    """Delete a post of one's own: no feed shows it from the next request on."""

    async def take(user_id: int, _: bytes) -> Response:
        state, deleted_id = request.app.state, _id_of(post_id)
        is_theirs: bool | None = made_with is not None and is_made_with(
            made_with, deleted_id, user_id, state.tokens.secret
        )
        if not is_theirs:
            is_theirs = await state.serving.is_by(user_id, deleted_id)
        if is_theirs is None:
            detail = "nobody can tell now whose post it is: send the same request again, or say `made_with`"
            headers = {"Retry-After": str(state.config.retry_after_s)}
            return problem(HTTPStatus.SERVICE_UNAVAILABLE, detail, request.state.request_id, headers)
        if not is_theirs:
            raise not_your_post(deleted_id)
        event = delete_post(Submission(user_id, "", b"", state.now()), deleted_id, state.config)
        await _append(request, [event], user_id)
        return _answer(PostDeleted(event_id=event.event_id, withdrawn=await state.serving.withdraw(deleted_id)))

    return await _taken(request, take)


def _id_of(text: str) -> int:
    if not -_INT64 <= int(text) < _INT64:
        broken = Problem("wrong_type", f"post_id={text}, must be a 64-bit integer", "post_id")
        raise RefusedError([Refusal(0, broken)])
    return int(text)


async def _append(request: Request, events: Sequence[Event], user_id: int, post_id: int | None = None) -> int:
    """Put the events into the stream, and withhold the posts that they hide from the user's next page.

    Unhide posts and record acts only if every event is new. A late retry would otherwise undo a newer action.
    """
    state = request.app.state
    num_new: int = await state.stream.append(events, user_id, post_id)
    state.metrics.events.labels("new").inc(num_new)
    state.metrics.events.labels("repeated").inc(len(events) - num_new)
    hidden = {post: is_hidden for event in events for post, is_hidden in _hidden_by(event)}
    await state.serving.hide(user_id, [post for post, is_hidden in hidden.items() if is_hidden])
    if num_new == len(events):
        await state.serving.show(user_id, [post for post, is_hidden in hidden.items() if not is_hidden])
        await state.serving.note(user_id, [event.act for event in events if event.act], state.now().timestamp())
    return num_new


def _hidden_by(event: Event) -> list[tuple[int, bool]]:
    """The post that the event hides (true) or shows again (false), if any."""
    return [(post, is_hidden) for post, is_hidden in ((event.hides, True), (event.shows, False)) if post is not None]


async def _taken(request: Request, take: Callable[[int, bytes], Awaitable[Response]]) -> Response:
    """The answer of ``take`` to a user's body, or the problem."""
    state, request_id = request.app.state, request.state.request_id
    config: CollectorConfig = state.config
    try:
        return await take(asking_user(request), await read_body(request, config))
    except TokenError as error:
        return unauthorized(str(error), request)
    except BodyError as error:
        return problem(error.status, str(error), request_id, {"Connection": "close"})
    except RefusedError as error:
        for one in error.refusals:
            state.metrics.refused.labels(one.problem.reason).inc()
        return refused(list(error.refusals), request_id)
    except TooManyError as error:
        return problem(HTTPStatus.TOO_MANY_REQUESTS, str(error), request_id, {"Retry-After": str(error.wait_s)})
    except StreamUnavailableError as error:
        state.metrics.unavailable.labels("stream").inc()
        _LOG.error("the stream does not take events: %s", error, extra={"fields": {"request_id": request_id}})
        detail = "events cannot be taken in now: send the same request again"
        headers = {"Retry-After": str(config.retry_after_s)}
        return problem(HTTPStatus.SERVICE_UNAVAILABLE, detail, request_id, headers)


def _answer(answer: Accepted | ActionTaken | PostDeleted | PostMade, status: HTTPStatus = HTTPStatus.OK) -> Response:
    return Response(answer.model_dump_json(), status, _NO_STORE, media_type="application/json")
