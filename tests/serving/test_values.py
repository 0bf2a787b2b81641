"""Parsers of values from Redis, one at a time; tests/acceptance/test_hostile_values.py uses mutated values."""

import json
import time
from typing import Any

import pytest

from contracts.epochs import MAX_CARD_BYTES
from contracts.pointer import Pointer
from serving.reader.values import (
    DamagedValueError,
    Members,
    parse_bytes,
    parse_card,
    parse_count,
    parse_flags,
    parse_members,
    parse_pointer,
    parse_pool,
)
from tests.serving.reader_world import Seed, card_of, packed


def card_with(**changes: Any) -> bytes:
    return json.dumps(json.loads(card_of(Seed(5), 1)) | changes).encode()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"created_at": 1e30}, "created_at"),
        ({"created_at": "2026-02-30T00:00:00Z"}, "day is out of range"),
        ({"id": float("inf")}, "id"),
        ({"id": 2**63}, "id"),
        ({"id": 6}, "says it is post 6"),
        ({"stats": {"likes": float("nan"), "comments": 0, "shares": 0}}, "stats.likes"),
        ({"stats": {"likes": -1, "comments": 0, "shares": 0}}, "stats.likes"),
        ({"author": "Ada"}, "author"),
        ({"author": {"id": "x", "name": "Ada"}}, "author.id"),
        ({"content": {"type": "hologram"}}, "content.type"),
        ({"privacy": ["public"]}, "privacy"),
    ],
)
def test_a_card_that_is_not_what_the_api_promises_is_refused(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(DamagedValueError, match=reason):
        parse_card(card_with(**changes), 5)


def test_a_card_nested_too_deeply_or_too_long_or_with_half_a_character_is_refused() -> None:
    deep = card_with(extra=0).replace(b'"extra": 0', b'"extra": ' + b"[" * 100_000 + b"]" * 100_000)
    half = card_with(privacy="public").replace(b'"epoch 1"', b'"\\ud800"')
    long = card_with(extra="x" * MAX_CARD_BYTES)
    for value in (deep, half, long):
        with pytest.raises(DamagedValueError):
            parse_card(value, 5)


@pytest.mark.parametrize("leave_out", [True, False])
def test_fields_that_a_writer_left_out_or_made_null_are_empty(leave_out: bool) -> None:
    value = json.loads(card_of(Seed(5), 1))
    for part, name in (("content", "text"), ("content", "hashtags"), ("content", "media_count"), ("author", "name")):
        value[part][name] = None
        if leave_out:
            del value[part][name]
    card = parse_card(json.dumps(value).encode(), 5)
    assert card is not None
    body = json.loads(card.body + b"}")
    assert body["content"] == {"type": "status", "text": "", "hashtags": [], "media_count": 0}
    assert body["author"]["name"] == ""


def test_a_group_post_is_not_public_whatever_its_privacy_says() -> None:
    cards = [parse_card(card_of(Seed(5, source=source), 1), 5) for source in ("group", "page")]
    assert [card.is_public for card in cards if card] == [False, True]


def test_a_pool_is_of_one_epoch_and_one_user() -> None:
    value = packed(3, 17, [Seed(1)])
    pool = parse_pool(value, 3, 17)
    assert pool is not None
    assert pool.owner == 17
    for epoch, owner in ((4, 17), (3, 18), (3, None)):
        with pytest.raises(DamagedValueError, match="not of epoch"):
            parse_pool(value, epoch, owner)
    with pytest.raises(DamagedValueError, match="not of epoch 3 and user 17"):
        parse_pool(packed(3, None, [Seed(1)]), 3, 17)


def test_a_pointer_of_the_future_is_refused_since_every_later_one_would_look_old() -> None:
    now = int(time.time())
    assert parse_pointer(Pointer(2, 1, now).dumps().encode()) == Pointer(2, 1, now)
    with pytest.raises(DamagedValueError, match="future"):
        parse_pointer(Pointer(2, 1, now + 2 * 86_400).dumps().encode())


@pytest.mark.parametrize("member", [b"x", b"", b"1.5", b"1_0", b" 7", b"9223372036854775808", b"1" * 5000, b"1,2"])
def test_a_member_that_is_no_id_is_counted_and_the_others_are_kept(member: bytes) -> None:
    assert parse_members([b"1", member, b"-9223372036854775808"], 10) == Members(frozenset({1, -(2**63)}), 1)


def test_sets_are_bounded_and_errors_are_not_members() -> None:
    assert parse_members([], 0) == Members(frozenset())
    with pytest.raises(DamagedValueError, match="more than 2"):
        parse_members([b"1", b"2", b"3"], 2)
    with pytest.raises(DamagedValueError, match="WRONGTYPE"):
        parse_members(Exception("WRONGTYPE Operation against a key"), 2)


def test_an_absent_value_is_none_and_a_strange_reply_is_refused() -> None:
    assert [parse_bytes(reply, 5) for reply in (None, b"", b"12345")] == [None, None, b"12345"]
    for reply in (b"123456", 5, [b"x"], Exception("WRONGTYPE")):
        with pytest.raises(DamagedValueError):
            parse_bytes(reply, 5)
    assert (parse_count(3), parse_flags([0, 1], 2)) == (3, [False, True])
    for bad in (-1, True, b"3", None, Exception("WRONGTYPE")):
        with pytest.raises(DamagedValueError):
            parse_count(bad)
    for answers in ([0], [0, 2], None, Exception("WRONGTYPE")):
        with pytest.raises(DamagedValueError):
            parse_flags(answers, 2)
