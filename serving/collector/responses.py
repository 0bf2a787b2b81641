"""The published shape of every answer, for OpenAPI."""

from http import HTTPStatus
from typing import Annotated

from fastapi import Response
from pydantic import BaseModel, Field

from contracts.landing import EVENT_TYPES
from contracts.landing_schema import event_schema
from serving.collector.events import BATCHED_TYPES, RULES, Refusal
from serving.http.problems import Problem, as_response

_MOST_TOLD = 20
Id = Annotated[str, Field(pattern=r"^-?[0-9]{1,19}$", description="a 64-bit id, as text")]


class Accepted(BaseModel):
    """A batch that is in the stream."""

    accepted: int = Field(description="events of the batch: all of them")
    new: int = Field(description="those that were not sent before")


class Stats(BaseModel):
    """Counts as of the epoch, and this action."""

    likes: int
    comments: int
    shares: int


class ActionTaken(BaseModel):
    """An engagement that is in the stream."""

    event_id: str
    stats: Stats | None = Field(description="null: the user's feed does not show the post, or nobody can tell now")


class PostDeleted(BaseModel):
    """A deletion that is in the stream."""

    event_id: str
    withdrawn: bool = Field(description="whether no feed shows the post any more; false: the next epoch leaves it out")


class PostMade(BaseModel):
    """A post that is in the stream."""

    post_id: Id
    event_id: str
    hashtags: list[str]
    mentions: list[Id]


class RefusedEvent(BaseModel):
    """Why one event is refused."""

    index: int = Field(description="place of the event in the batch, from 0")
    field: str | None = Field(description="the field that breaks the rule; null: the event as a whole")
    rule: str = Field(description="a reason of docs/landing.md or docs/collector.md")
    must: str = Field(description="what the rule says")
    detail: str


class RefusedBatch(Problem):
    """Events that break rules: nothing of the request is taken."""

    num_refused: int
    refused: list[RefusedEvent] = Field(description=f"the first {_MOST_TOLD}")


def refused(refusals: list[Refusal], request_id: str) -> Response:
    """400 with the events that break rules."""
    refused_events = [
        RefusedEvent(
            index=one.index,
            field=printable(one.problem.field),
            rule=one.problem.reason,
            must=RULES[one.problem.reason],
            detail=printable(one.problem.detail) or "",
        )
        for one in refusals[:_MOST_TOLD]
    ]
    first, status = refused_events[0], HTTPStatus.BAD_REQUEST
    body = RefusedBatch(
        type="about:blank",
        title=status.phrase,
        status=status,
        detail=f"event {first.index}: {first.rule} ({first.detail}): {first.must}",
        request_id=request_id,
        num_refused=len(refusals),
        refused=refused_events,
    )
    return as_response(body)


def printable(text: str | None) -> str | None:
    """A text that can be written; half of a surrogate pair, which no UTF-8 has, becomes a question mark."""
    return None if text is None else text.encode(errors="replace").decode()


def sent_schema(event_type: str) -> dict[str, object]:
    """The JSON Schema of an event as it is sent: the landing contract without what the collector sets."""
    schema = event_schema(event_type, EVENT_TYPES[event_type])
    del schema["properties"]["received_at"]
    schema["required"].remove("received_at")
    return schema


BATCH = {
    "requestBody": {
        "required": True,
        "description": "one JSON object a line",
        "content": {"application/x-ndjson": {"schema": {"oneOf": [sent_schema(name) for name in BATCHED_TYPES]}}},
    }
}


def json_body(names: tuple[str, ...], event_type: str, *, is_required: bool) -> dict[str, object]:
    """How OpenAPI describes a body of some fields of an event type."""
    known = event_schema(event_type, EVENT_TYPES[event_type])["properties"]
    properties = {name: known.get(name, {"type": "string"}) for name in names}
    schema = {"type": "object", "properties": properties, "additionalProperties": False}
    if is_required:
        schema["required"] = ["text"]
    return {"requestBody": {"required": is_required, "content": {"application/json": {"schema": schema}}}}
