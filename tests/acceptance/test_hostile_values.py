"""No value in Redis raises past its parser, and every value that a parser accepts can be served.

Every parser reads more than 10,000 values that are mutated from good ones, random, or of another kind; only
``DamagedValueError`` may come out. What is accepted goes on to the end: a card becomes strict JSON of the published
shape, a pool is selected from, a pointer survives being written. Then a whole reader meets such values in a real Redis.
"""

import json
import random
import zlib
from collections.abc import Callable
from typing import Any

import pytest

from contracts.epochs import MAX_CARD_BYTES, POOL_HEADER_BYTES
from contracts.pointer import Pointer
from contracts.redis_keys import POINTER_KEY, TAKEDOWN_KEY, block_key, card_key, fallback_key, hidden_key, pool_key
from serving.reader.cards import render_post
from serving.reader.responses import FeedResponse, Post
from serving.reader.selection import Suppression, select
from serving.reader.values import (
    DamagedValueError,
    parse_bytes,
    parse_card,
    parse_count,
    parse_flags,
    parse_members,
    parse_pointer,
    parse_pool,
)
from tests.serving.hostile import LEAVES, damaged_bytes, damaged_json, strange_reply
from tests.serving.reader_world import RedisServer, Seed, card_of, open_reader_on, packed

NUM_VALUES = 12_000
CARD = card_of(Seed(5), 1)
POOL = packed(3, 17, [Seed(1), Seed(2)])
POINTER = Pointer(3, 2, 1_770_000_000).dumps().encode()


def strict_json(text: bytes) -> Any:
    def refuse(name: str) -> None:
        raise AssertionError(f"{name} is no JSON")

    return json.loads(text, parse_constant=refuse)


def hostile_card(dice: random.Random) -> object:
    return damaged_json(json.loads(CARD), dice) if dice.random() < 0.6 else damaged_bytes(CARD, dice)


def hostile_pool(dice: random.Random) -> object:
    """Half of them with a checksum that is right, so that what is behind it is met too."""
    if dice.random() < 0.5:
        return damaged_bytes(POOL, dice)
    at = POOL_HEADER_BYTES - 4
    header = POOL[:8] + bytes(byte if dice.random() < 0.8 else dice.randrange(256) for byte in POOL[8:at])
    body = bytes(byte if dice.random() < 0.7 else dice.randrange(256) for byte in POOL[POOL_HEADER_BYTES:])
    if dice.random() < 0.8:
        header = POOL[:at]
    return header + zlib.crc32(body, zlib.crc32(header)).to_bytes(4, "little") + body


def hostile_pointer(dice: random.Random) -> object:
    return damaged_json(json.loads(POINTER), dice) if dice.random() < 0.6 else damaged_bytes(POINTER, dice)


def hostile_members(dice: random.Random) -> object:
    return [damaged_bytes(str(dice.randint(-(2**64), 2**64)).encode(), dice) for _ in range(dice.randint(0, 6))]


def check_card(value: object) -> None:
    card = parse_card(value, 5)
    if card is not None:
        Post.model_validate(strict_json(render_post(card, float("nan"), 250, float("nan"), None)))


def check_pool(value: object) -> None:
    pool = parse_pool(value, 3, 17)
    if pool is not None:
        for feed_filter in ("all", "chronological", "friends"):
            selection = select(pool, feed_filter, 0, Suppression(), frozenset(), public_only=True)
            assert len(selection.rows) <= pool.count
        card = parse_card(CARD, 5)
        assert card is not None
        for score, reason in zip(pool.columns["score"].tolist(), pool.columns["reason"].tolist(), strict=True):
            strict_json(render_post(card, score, reason, 1.0, 5))


def check_pointer(value: object) -> None:
    pointer = parse_pointer(value)
    if pointer is not None:
        assert Pointer.loads(pointer.dumps()) == pointer


def check_members(value: object) -> None:
    members = parse_members(value, 5)
    assert all(type(member) is int and -(2**63) <= member < 2**63 for member in members.ids)


PARSERS: dict[str, tuple[Callable[[object], object], Callable[[random.Random], object]]] = {
    "card": (check_card, hostile_card),
    "pool": (check_pool, hostile_pool),
    "pointer": (check_pointer, hostile_pointer),
    "members": (check_members, hostile_members),
    "bytes": (lambda value: parse_bytes(value, 100), lambda dice: damaged_bytes(POOL, dice)),
    "count": (parse_count, lambda dice: dice.choice((dice.randint(-9, 9), *LEAVES))),
    "flags": (lambda value: parse_flags(value, 2), lambda dice: dice.choices((0, 1, *LEAVES), k=dice.randint(0, 3))),
}


@pytest.mark.parametrize("name", PARSERS)
def test_a_parser_raises_its_own_error_and_nothing_else(name: str) -> None:
    check, make = PARSERS[name]
    dice = random.Random(name)
    accepted = refused = longest = 0
    for _ in range(NUM_VALUES):
        value = make(dice) if dice.random() < 0.9 else strange_reply(dice)
        try:
            check(value)
        except DamagedValueError as error:
            refused += 1
            longest = max(longest, len(str(error)))
        except Exception as error:
            raise AssertionError(f"{name}: {type(error).__name__} past the parser, for {value!r:.300}") from error
        else:
            accepted += 1
    print(f"{name}: {accepted + refused:,} values, {refused:,} refused, {accepted:,} served or absent")
    assert accepted + refused >= 10_000
    assert longest < 250
    assert refused > 1000
    assert accepted > 20


async def test_a_reader_never_fails_whatever_is_in_its_redis() -> None:
    """Statuses are 200 with the published shape, or 503; every third time a new reader starts on what is there."""
    dice, statuses = random.Random(14), dict.fromkeys((200, 503), 0)
    for server in RedisServer.running():
        for turn in range(60):
            spoil(server, dice)
            async with open_reader_on(server, breaker_open_s=0.0) as client:
                for _ in range(3):
                    for user in (1, 2):
                        answer = await client.get(user)
                        statuses[answer.status_code] += 1
                        if answer.status_code == 200:
                            FeedResponse.model_validate(strict_json(answer.content))
                    assert (await client.http.get("/readyz")).status_code in (200, 503)
                    spoil(server, dice, keep=True)
                    await client.app.state.keeper.try_refresh()
            del turn
    print(f"a reader on 180 spoilt worlds: {statuses}")
    assert statuses[200] > 100


def spoil(server: RedisServer, dice: random.Random, *, keep: bool = False) -> None:
    """A good world (unless ``keep``), in which one to three values are then replaced."""
    client = server.client
    if not keep:
        client.flushall()
        server.write_user(3, 1, [Seed(5 + n) for n in range(3)])
        server.write_user(2, 2, [Seed(5 + n) for n in range(3)])
        server.write_public(3, "popular", [Seed(10 + n) for n in range(3)])
        server.write_public(3, "chronological", [Seed(20 + n) for n in range(3)])
        server.flip(3, 2)
    values: dict[str, Callable[[random.Random], object]] = {
        POINTER_KEY: hostile_pointer,
        pool_key(3, 1): hostile_pool,
        pool_key(2, 2): hostile_pool,
        fallback_key(3, "popular"): hostile_pool,
        card_key(3, 5): hostile_card,
        card_key(3, 10): hostile_card,
        card_key(3, 20): hostile_card,
    }
    for key in dice.sample([*values, block_key(1), hidden_key(2), TAKEDOWN_KEY], dice.randint(1, 3)):
        client.delete(key)
        if key in values and dice.random() < 0.8:
            value = values[key](dice)
            assert isinstance(value, bytes)
            client.set(key, value[: MAX_CARD_BYTES + 10])
        elif dice.random() < 0.5:
            client.sadd(key, *[damaged_bytes(b"12", dice) for _ in range(3)])
        else:
            client.lpush(key, "x")
