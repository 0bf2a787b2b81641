"""Check the events of a request against the landing contract: ingest accepts every line that is accepted here.

The collector adds ``received_at`` to the text of an event and changes nothing else, so that numbers and unknown fields
stay as they were sent.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from contracts.landing import REFUSALS, TAKEN_BACK_BY, TIMED_TYPES
from contracts.lines.event_line import first_broken
from contracts.lines.json_problems import Problem, shown
from contracts.lines.strict_json import read_json
from contracts.lines.times import is_ahead, is_late, micros_of, too_far_ahead, too_late
from contracts.redis_members import ACTS
from serving.collector.config import CollectorConfig

BATCHED_TYPES = ("impression", "engagement")
"""Event types of ``POST /api/v1/events``; their ``user_id`` must be the user of the token."""

RULES = REFUSALS | {
    "set_by_collector": "`received_at` is left out: it is the collector's clock that says it",
    "not_collected": f"`event_type` is one of {', '.join(BATCHED_TYPES)}",
    "not_yours": "`user_id` is the user of the token",
    "event_id_not_yours": "`event_id` is the user's id, a colon, and what the client chose: `17:3fa9`",
    "event_id_too_long": "`event_id` is not longer than `collector.event_id_characters`",
    "field_not_taken": "the body has no other fields than the route takes",
    "text_missing": "`text` is there and not empty",
    "not_your_comment": "the comment's id is the `event_id` that was answered when the user made it on this post",
    "not_your_post": "the post's card names the user as author, or `made_with` is the `Idempotency-Key` that made it",
}
"""Rules of the landing contract, and those of the collector alone, by reason."""
_ACT_OF = {act: (act, True) for act in ACTS}
_ACT_OF |= {TAKEN_BACK_BY[act]: (act, False) for act in ACTS if act in TAKEN_BACK_BY}


@dataclass(frozen=True)
class Act:
    """What a user did with a post, one of ``contracts.redis_members.ACTS``, or took back."""

    kind: str
    post_id: int
    is_done: bool


@dataclass(frozen=True)
class Event:
    """One accepted event: a landing line without its end.

    ``hides`` is the post that it withholds from the user, ``shows`` the post that it shows again, ``act`` what the
    user's feed shows of it.
    """

    event_id: str
    line: bytes
    hides: int | None = None
    shows: int | None = None
    act: Act | None = None


@dataclass(frozen=True)
class Refusal:
    """Why an event is refused; ``index`` is its place in the batch, from 0."""

    index: int
    problem: Problem


class RefusedError(Exception):
    """Events break rules: none of the request's events is taken."""

    def __init__(self, refusals: Sequence[Refusal]) -> None:
        super().__init__(f"{len(refusals)} events refused")
        self.refusals = refusals


def read_batch(lines: Sequence[bytes], user_id: int, received: datetime, config: CollectorConfig) -> list[Event]:
    """The events of a batch, each by ``user_id``; raises ``RefusedError`` with every event that breaks a rule."""
    read = [_read_sent(line, user_id, received, config) for line in lines]
    seen: set[str] = set()
    for index, one in enumerate(read):
        if isinstance(one, Event) and one.event_id in seen:
            read[index] = Problem("duplicate_event", f"event_id={shown(one.event_id)}, twice in the batch", "event_id")
        elif isinstance(one, Event):
            seen.add(one.event_id)
    refusals = [Refusal(index, one) for index, one in enumerate(read) if isinstance(one, Problem)]
    if refusals:
        raise RefusedError(refusals)
    return [one for one in read if isinstance(one, Event)]


def _read_sent(line: bytes, user_id: int, received: datetime, config: CollectorConfig) -> Event | Problem:
    found = read_object(line)
    if isinstance(found, Problem):
        return found
    if "received_at" in found:
        return Problem("set_by_collector", "received_at", "received_at")
    fields, stamped = add_fields(line, found, {"received_at": time_text(received)})
    problem = judge(fields, stamped, config.late_days) or next(_not_taken(fields, user_id, config), None)
    return problem or as_event(fields, stamped)


def read_object(text: bytes) -> dict[str, Any] | Problem:
    """The JSON object of ``text``, with numbers as their digits; else what is wrong with it."""
    value, problem = read_json(text)
    if problem is not None:
        return problem
    return value if isinstance(value, dict) else Problem("not_an_object", shown(text.decode()))


def add_fields(text: bytes, fields: dict[str, Any], added: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    """``fields`` with the ``added`` ones, and their line; ``text`` is the JSON object of ``fields``.

    The added fields must be new, and texts, integers or lists of these.
    """
    assert not fields.keys() & added.keys(), "a key would stand twice"
    more = json.dumps(added, separators=(",", ":")).encode()
    # A line end can stand between the tokens of JSON only, as a blank.
    begin = text.strip(b" \t\r\n")[:-1].translate(_BLANK_ENDS)
    line = begin + (b"," if fields else b"") + more[1:]
    return fields | read_json(more)[0], line


_BLANK_ENDS = bytes.maketrans(b"\r\n", b"  ")


def judge(fields: dict[str, Any], line: bytes, late_days: int) -> Problem | None:
    """The first rule of the landing contract that a line breaks by itself."""
    problem = first_broken(fields, line)
    if problem is not None:
        return problem
    times = (fields["event_time"], fields["received_at"])
    happened, received = (np.array([micros_of(text)], np.int64) for text in times)
    event_time, received_at = (json.dumps(text) for text in times)
    if is_ahead(happened, received)[0]:
        return Problem("future_event", too_far_ahead(event_time, received_at), "event_time")
    if fields["event_type"] in TIMED_TYPES and is_late(happened, received, late_days)[0]:
        return Problem("too_late", too_late(event_time, received_at, late_days), "event_time")
    return None


def _not_taken(fields: dict[str, Any], user_id: int, config: CollectorConfig) -> Iterator[Problem]:
    event_type, event_id = fields["event_type"], fields["event_id"]
    if event_type not in BATCHED_TYPES:
        yield Problem("not_collected", f"event_type={shown(event_type)}", "event_type")
    elif int(fields["user_id"]) != user_id:
        yield Problem("not_yours", f"user_id={shown(fields['user_id'])}", "user_id")
    elif not event_id.startswith(f"{user_id}:"):
        yield Problem("event_id_not_yours", f"event_id={shown(event_id)}", "event_id")
    elif len(event_id) > config.event_id_characters:
        yield Problem("event_id_too_long", f"event_id of {len(event_id)} characters", "event_id")


def as_event(fields: dict[str, Any], line: bytes) -> Event:
    """The event that an accepted line tells."""
    kind = fields.get("engagement_type")
    hides = int(fields["post_id"]) if kind in ("hide", "report") else None
    shows = int(fields["post_id"]) if kind == TAKEN_BACK_BY["hide"] else None
    act = _ACT_OF.get(str(kind))
    return Event(fields["event_id"], line, hides, shows, Act(act[0], int(fields["post_id"]), act[1]) if act else None)


def time_text(moment: datetime) -> str:
    """A time as in landing lines, to the microsecond."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
