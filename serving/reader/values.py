"""Parsers of everything that is read from Redis: one for each kind of value.

Whatever a value holds, its parser returns a typed result or raises ``DamagedValueError``, and nothing else.
"""

import json
import re
import time
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from contracts.epochs import MAX_CARD_BYTES, MAX_POOL_BYTES, Pool, unpack_pool
from contracts.pointer import MAX_POINTER_BYTES, Pointer
from contracts.visibility import is_open
from serving.reader.cards import Card

_INT64 = 2**63
_ID = re.compile(rb"-?[0-9]{1,19}")
_IDS = re.compile(rb"(?:-?[0-9]{1,19}(?:,-?[0-9]{1,19})*)?")
_SHOWN_CHARACTERS = 80
MAX_INSTANT_DIGITS = 10
_MAX_AHEAD_S = 86_400  # a pointer from further ahead would make every later one look old


class DamagedValueError(ValueError):
    """A value does not have the format of its key; the text says how."""


@dataclass(frozen=True)
class Members:
    """Ids of a set, and the number of its members that are not ids."""

    ids: frozenset[int]
    num_damaged: int = 0


def parse_bytes(reply: object, longest: int) -> bytes | None:
    """The value of a reply that was cut after ``longest`` + 1 bytes; None when there is no value."""
    if isinstance(reply, Exception):
        raise DamagedValueError(_cut(f"Redis answers {reply}"))
    if reply is None or reply == b"":
        return None
    if not isinstance(reply, bytes):
        raise DamagedValueError(f"it is a {type(reply).__name__}, not bytes")
    if len(reply) > longest:
        raise DamagedValueError(f"it is longer than {longest:,} bytes")
    return reply


def parse_pointer(reply: object) -> Pointer | None:
    """The epoch pointer; None when there is none."""
    value = parse_bytes(reply, MAX_POINTER_BYTES)
    if value is None:
        return None
    try:
        pointer = Pointer.loads(value)
    except ValueError as error:
        raise DamagedValueError(_cut(str(error))) from None
    if pointer.published_at > time.time() + _MAX_AHEAD_S:
        raise DamagedValueError(f"the epoch pointer is of the future: published_at {pointer.published_at}")
    return pointer


def parse_pool(reply: object, epoch: int, owner: int | None) -> Pool | None:
    """The pool of ``owner`` (None: a public one) in ``epoch``; None when there is none."""
    value = parse_bytes(reply, MAX_POOL_BYTES)
    if value is None:
        return None
    try:
        pool = unpack_pool(value)
    except ValueError as error:
        raise DamagedValueError(str(error)) from None
    if (pool.epoch, pool.owner) != (epoch, owner):
        raise DamagedValueError(
            f"it is of epoch {pool.epoch} and user {pool.owner}, not of epoch {epoch} and user {owner}"
        )
    return pool


def parse_members(reply: object, most: int) -> Members:
    """The members of a set of ids; raises when there are more than ``most``."""
    if isinstance(reply, Exception):
        raise DamagedValueError(_cut(f"Redis answers {reply}"))
    if not isinstance(reply, list | set | tuple):
        raise DamagedValueError(f"it is a {type(reply).__name__}, not members of a set")
    if len(reply) > most:
        raise DamagedValueError(f"it has more than {most:,} members")
    return _ids(reply)


def _ids(members: Collection[object]) -> Members:
    """If every member is an id, as in undamaged sets, one pass in C is enough."""
    try:
        if _IDS.fullmatch(b",".join(members)):  # type: ignore[arg-type]
            ids = frozenset(map(int, members))  # type: ignore[arg-type]
            if min(ids, default=0) >= -_INT64 and max(ids, default=0) < _INT64:
                return Members(ids)
    except (TypeError, ValueError):
        pass
    ids = frozenset(int(member) for member in members if _is_id(member))  # type: ignore[call-overload]
    return Members(ids, sum(not _is_id(member) for member in members))


def _is_id(member: object) -> bool:
    return isinstance(member, bytes) and _ID.fullmatch(member) is not None and -_INT64 <= int(member) < _INT64


def parse_count(reply: object) -> int:
    """A size or a flag."""
    if isinstance(reply, Exception):
        raise DamagedValueError(_cut(f"Redis answers {reply}"))
    if type(reply) is not int or reply < 0:
        raise DamagedValueError(_cut(f"{reply!r} is no count"))
    return reply


def parse_instant(reply: object) -> int | None:
    """Unix seconds; None when there is no value."""
    value = parse_bytes(reply, MAX_INSTANT_DIGITS)
    if value is not None and not value.isdigit():
        raise DamagedValueError(_cut(f"{value!r} is no time in Unix seconds"))
    return None if value is None else int(value)


def parse_flags(reply: object, count: int) -> list[bool]:
    """``count`` answers to whether something is a member."""
    if isinstance(reply, Exception):
        raise DamagedValueError(_cut(f"Redis answers {reply}"))
    if not isinstance(reply, list) or len(reply) != count or not all(flag in (0, 1) for flag in reply):
        raise DamagedValueError(f"it is not {count} answers of 0 or 1")
    return [flag == 1 for flag in reply]


Int64 = Annotated[int, Field(ge=-_INT64, lt=_INT64)]
Count = Annotated[int, Field(ge=0, lt=_INT64)]


def _empty(value: object) -> BeforeValidator:
    """What stands for null: the writer says null where a post has none."""
    return BeforeValidator(lambda found: value if found is None else found)


Text = Annotated[str, _empty("")]


class _Value(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class _Author(_Value):
    id: Int64
    name: Text = ""


class _Content(_Value):
    type: Literal["status", "photo", "video", "link"]
    text: Text = ""
    hashtags: Annotated[tuple[str, ...], _empty(())] = ()
    media_count: Annotated[Count, _empty(0)] = 0


class _Source(_Value):
    type: str
    id: Int64 | None
    name: Text = ""


class _Stats(_Value):
    likes: Count
    comments: Count
    shares: Count


class _Card(_Value):
    id: Int64
    author: _Author | None
    content: _Content
    source: _Source
    created_at: Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$")]
    stats: _Stats | None
    privacy: str


def parse_card(reply: object, post_id: int) -> Card | None:
    """The card of ``post_id``, as it is served; None when there is none. Ids become text for JavaScript's sake."""
    value = parse_bytes(reply, MAX_CARD_BYTES)
    if value is None:
        return None
    try:
        card = _Card.model_validate_json(value)
        datetime.fromisoformat(card.created_at).astimezone(UTC)
        body = card.model_dump()
        for part in (body, body["author"], body["source"]):
            if part is not None and part["id"] is not None:
                part["id"] = str(part["id"])
        text = json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(str(step) for step in first["loc"]) or "the card"
        raise DamagedValueError(_cut(f"card of post {post_id}: {where}: {first['msg']}")) from None
    except (ValueError, OverflowError) as error:
        raise DamagedValueError(_cut(f"card of post {post_id}: {error}")) from None
    if card.id != post_id:
        raise DamagedValueError(f"card of post {post_id} says it is post {card.id}")
    is_public = is_open(card.privacy, card.source.type)
    author = card.author.name if card.author else ""
    return Card(text[:-1], _escaped(author), _escaped(card.source.name), is_public)


def _escaped(name: str) -> str:
    return json.dumps(name, ensure_ascii=False)[1:-1]


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 2] + " …"
