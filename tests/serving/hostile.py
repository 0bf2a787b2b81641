"""Hostile values: bytes truncated, flipped, spliced and repeated; JSON with extreme numbers, texts and depths."""

import json
import random
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

LEAVES: tuple[Any, ...] = (
    *(None, True, 0, -1, 2**63, -(2**63) - 1, 2**64, 10**400, 1e30, -1e308, float("inf"), float("-inf"), float("nan")),
    *(
        "",
        "x",
        "\0",
        "1e30",
        "Infinity",
        "9" * 50,
        "\ud800",
        "\N{RIGHT-TO-LEFT OVERRIDE}",
        "é" * 100,
        "2026-13-45T99:99:99Z",
        "-0",
        " 7 ",
        "1_0",
    ),
    *([], {}, [[]], {"id": 1}, [1, 2], {"": None}),
)
TOKENS = (
    b"NaN",
    b"1e999",
    b"-Infinity",
    b"[" * 960,
    b"[" * 5000,
    b'{"a":' * 3000,
    b"\xff\xfe",
    b"\x00",
    b"\\ud800",
    b'"',
    b"}",
    b"9" * 6000,
)


def damaged_bytes(value: bytes, dice: random.Random) -> bytes:
    """``value`` with one to four random changes."""
    for _ in range(dice.randint(1, 4)):
        place = dice.randint(0, len(value))
        change = dice.randrange(7)
        if change == 0 and value:
            place = min(place, len(value) - 1)
            value = value[:place] + bytes([value[place] ^ dice.randint(1, 255)]) + value[place + 1 :]
        elif change == 1:
            value = value[:place]
        elif change == 2:
            value = value[:place] + dice.choice(TOKENS) + value[place:]
        elif change == 3:
            value = value[:place] + value[dice.randint(0, len(value)) :]
        elif change == 4:
            value = value[:place] + value
        elif change == 5:
            value = dice.randbytes(dice.randint(0, 200))
        else:
            value = value[:place] + dice.randbytes(dice.randint(1, 8)) + value[place:]
    return value


def damaged_json(value: Any, dice: random.Random) -> bytes:
    """``value`` as JSON with one to three of its nodes replaced, removed or renamed."""
    changed = json.loads(json.dumps(value))
    for _ in range(dice.randint(1, 3)):
        nodes = list(_containers(changed))
        if not nodes:
            break
        node = dice.choice(nodes)
        key = dice.choice(list(node) if isinstance(node, dict) else range(len(node)))
        if isinstance(node, dict) and dice.random() < 0.3:
            kept = node.pop(key)
            if dice.random() < 0.5:
                node[key + dice.choice(("", "x", "\0"))] = deepcopy(dice.choice((kept, *LEAVES)))
        else:
            node[key] = deepcopy(dice.choice(LEAVES))
    text = json.dumps(changed, ensure_ascii=dice.random() < 0.5)
    return text.encode(errors="surrogatepass")


def _containers(value: Any) -> Iterator[Any]:
    if isinstance(value, dict | list):
        if value:
            yield value
        for child in value.values() if isinstance(value, dict) else value:
            yield from _containers(child)


def strange_reply(dice: random.Random) -> object:
    """What a Redis client may return, but not for this command."""
    makers: tuple[Callable[[], object], ...] = (
        lambda: None,
        lambda: dice.choice(LEAVES),
        lambda: [dice.choice(LEAVES) for _ in range(dice.randint(0, 3))],
        lambda: Exception(dice.choice(("WRONGTYPE", "x" * 10_000, "\ud800"))),
        lambda: {dice.randbytes(3) for _ in range(3)},
        lambda: [[b"1"], b"2"],
        lambda: b"",
    )
    return dice.choice(makers)()
