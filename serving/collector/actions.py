"""Actions on one post, and new posts: a short body becomes an event of the landing contract."""

import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from contracts.landing import TAKEN_BACK_BY
from contracts.lines.json_problems import Problem, shown
from serving.collector.config import CollectorConfig
from serving.collector.events import (
    Event,
    Refusal,
    RefusedError,
    add_fields,
    as_event,
    judge,
    read_object,
    time_text,
)
from serving.collector.paths import Action

_OF_AN_ACTION = ("impression_id", "detail", "ad_id")
OF_A_POST = ("text", "privacy", "audience", "content_type", "hashtags", "mentions", "tags", "location")
"""Fields of a post that its author may set; pictures, videos, pages and groups are not accepted here."""
_TYPES_WITHOUT_MEDIA = ("status", "link")
KEY = r"[A-Za-z0-9._-]{1,64}"
"""What an idempotency key may be."""
_HASHTAG = re.compile(r"(?<![\w#/&])#(\w+)")
_MENTION = re.compile(r"(?<![\w@])@(-?\d{1,19})(?!\w)", re.ASCII)
_INT64 = 2**63


@dataclass(frozen=True)
class Submission:
    """A user's request: ``key`` is its idempotency key, ``body`` a JSON object or empty."""

    user_id: int
    key: str
    body: bytes
    received: datetime


@dataclass(frozen=True)
class MadePost:
    """An accepted post."""

    post_id: int
    event: Event
    hashtags: Sequence[str]
    mentions: Sequence[int]


def taken_by(action: Action) -> tuple[str, ...]:
    """Fields that the body of an engagement's route may have."""
    return (*_OF_AN_ACTION, "text") if action == "comment" else _OF_AN_ACTION


def read_action(submission: Submission, action: Action, post_id: int, config: CollectorConfig) -> Event:
    """The engagement; its id is the same for every retry of the request. Raises ``RefusedError``."""
    fields, text = _read_body(submission.body, taken_by(action))
    if action == "comment":
        _require_text(fields)
    event_id = f"{submission.user_id}:{action}:{post_id}:{submission.key}"
    engagement = {"user_id": submission.user_id, "post_id": post_id, "engagement_type": action}
    return _accepted(fields, text, _envelope(event_id, "engagement", submission.received) | engagement, config)


def take_back(submission: Submission, action: Action, post_id: int, config: CollectorConfig) -> Event:
    """The engagement that takes back the user's ``action`` on the post."""
    kind = TAKEN_BACK_BY[action]
    added = _envelope(f"{submission.user_id}:{kind}:{post_id}:{submission.key}", "engagement", submission.received)
    added |= {"user_id": submission.user_id, "post_id": post_id, "engagement_type": kind}
    return _accepted({}, b"{}", added, config)


def take_comment_back(submission: Submission, comment_id: str, post_id: int, config: CollectorConfig) -> Event:
    """The engagement that takes back one comment, which its ``event_id`` names. Raises ``RefusedError``."""
    begin, _, key = comment_id.rpartition(":")
    if begin != f"{submission.user_id}:comment:{post_id}" or not re.fullmatch(KEY, key):
        _refuse("not_your_comment", f"comment_id={shown(comment_id)}", "comment_id")
    kind = TAKEN_BACK_BY["comment"]
    added = _envelope(f"{submission.user_id}:{kind}:{post_id}:{key}", "engagement", submission.received)
    added |= {"user_id": submission.user_id, "post_id": post_id, "engagement_type": kind, "comment_id": comment_id}
    return _accepted({}, b"{}", added, config)


def delete_post(submission: Submission, post_id: int, config: CollectorConfig) -> Event:
    """The deletion of a post, of which the user must be known as the author."""
    event_id = f"{submission.user_id}:delete:{post_id}"
    added = _envelope(event_id, "post_deleted", submission.received) | {"post_id": post_id}
    return _accepted({}, b"{}", added, config)


def is_made_with(key: str, post_id: int, user_id: int, secret: bytes) -> bool:
    """Whether the user made the post through the collector, with this idempotency key."""
    return _post_id(user_id, key, secret) == post_id


def not_your_post(post_id: int) -> RefusedError:
    """The refusal of a deletion by somebody who is not known as the author."""
    return RefusedError([Refusal(0, Problem("not_your_post", f"post_id={post_id}", "post_id"))])


def read_post(submission: Submission, secret: bytes, config: CollectorConfig) -> MadePost:
    """The post; its id depends on user, key and ``secret``, so that nobody can choose it. Raises ``RefusedError``."""
    fields, text = _read_body(submission.body, OF_A_POST)
    _require_text(fields)
    content_type = fields.get("content_type")
    if content_type is not None and content_type not in _TYPES_WITHOUT_MEDIA:
        explanation = f"content_type={shown(str(content_type))}, must be {' or '.join(_TYPES_WITHOUT_MEDIA)}"
        _refuse("value_not_allowed", explanation, "content_type")
    post_id = _post_id(submission.user_id, submission.key, secret)
    now = time_text(submission.received)
    added = {"post_id": post_id, "author_id": submission.user_id, "created_at": now, "source_type": "friend"}
    added |= _envelope(f"{submission.user_id}:post:{submission.key}", "post_created", submission.received)
    found = {"content_type": "status", "hashtags": hashtags_of(fields["text"]), "mentions": mentions_of(fields["text"])}
    added |= {name: value for name, value in found.items() if name not in fields}
    event = _accepted(fields, text, added, config)
    told_tags = fields.get("hashtags", found["hashtags"]) or []
    told_mentions = fields.get("mentions", found["mentions"]) or []
    return MadePost(post_id, event, [tag for tag in told_tags if tag], [int(one) for one in told_mentions if one])


def hashtags_of(text: str) -> list[str]:
    """Distinct hashtags of a text in their order, without the sign."""
    return list(dict.fromkeys(_HASHTAG.findall(text)))


def mentions_of(text: str) -> list[int]:
    """Distinct users whose ids a text mentions, as in ``@1000153``, in their order."""
    ids = dict.fromkeys(int(digits) for digits in _MENTION.findall(text))
    return [one for one in ids if -_INT64 <= one < _INT64]


def _read_body(body: bytes, taken: Sequence[str]) -> tuple[dict[str, Any], bytes]:
    text = body if body.strip(b" \t\r\n") else b"{}"
    fields = read_object(text)
    if isinstance(fields, Problem):
        raise RefusedError([Refusal(0, fields)])
    for name in fields:
        if name not in taken:
            _refuse("field_not_taken", f"{shown(name)}: the route takes {', '.join(taken)}", name)
    return fields, text


def _require_text(fields: dict[str, Any]) -> None:
    text = fields.get("text")
    if text is None or text == "":
        _refuse("text_missing", "text", "text")
    if type(text) is not str:
        _refuse("wrong_type", f"text={shown(str(text))}, must be a text", "text")


def _accepted(fields: dict[str, Any], text: bytes, added: dict[str, Any], config: CollectorConfig) -> Event:
    every, line = add_fields(text, fields, added)
    problem = judge(every, line, config.late_days)
    if problem is not None:
        raise RefusedError([Refusal(0, problem)])
    return as_event(every, line)


def _envelope(event_id: str, event_type: str, received: datetime) -> dict[str, Any]:
    now = time_text(received)
    return {"event_id": event_id, "event_type": event_type, "event_time": now, "received_at": now}


def _refuse(reason: str, detail: str, field: str) -> None:
    raise RefusedError([Refusal(0, Problem(reason, detail, field))])


def _post_id(user_id: int, key: str, secret: bytes) -> int:
    digest = hmac.digest(secret, f"post {user_id} {key}".encode(), hashlib.sha256)
    return int.from_bytes(digest[:8]) >> 1
