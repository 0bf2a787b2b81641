"""Odd lines for tests: ordinary ones with one thing changed, and a strategy that draws more."""

import json
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from contracts.json_limits import MAX_DIGITS, MAX_LEVELS, MAX_NAME_UNITS
from tests.landing_page import EXAMPLES

USER = next(example for example in EXAMPLES if example["event_type"] == "user_upserted")
IMPRESSION = next(example for example in EXAMPLES if example["event_type"] == "impression")
_LINE = json.dumps(USER)

VALUES: list[Any] = [
    *(None, True, False, 0, -1, 1001, 0.5, 2**31, 2**63 - 1, 2**63, -(2**63), -(2**63) - 1, 1.0, 1e300, 5e-324),
    *("", "7", "NaN", "like", "public", "2026-03-08T12:00:00Z", "2026-02-30T00:00:00Z", "{", "a\u00e9\\", "\U0001f600"),
    *([], [1], ["a"], [1, None], ["a", None], [1, 2.5], ["a", 1], [None], {}, {"a": 1}, [[1]], [True], ["a", ["b"]]),
]
RAW_VALUES = (
    *("NaN", "Infinity", "-Infinity", "Inf", "-Inf", "nan", "[1, NaN]", "1e400", "-1e400", "1e-400", "-0", "-0.0"),
    *("01", "1.", ".5", "+1", "0x1", "1e", "1_000", "1e5", "1E+5", "10000000000000000000000", "tru", "True", "None"),
    *('"half \\ud83d"', '"\\udc00 half"', '"\\ud83d\\ude00"', '"\\ude00\\ud83d"', '"\\\\ud83d"', '"\\uD83D\\u0041"'),
    *('"\\x41"', '"\\u12"', '"\\u12g4"', "'a'", '"a\tb"', '"a\x01b"', '"a\x7fb"', '"a\\/b"', '"\\u0000"', '"\u2028"'),
    *("{}", '{"a": {"b": {}}}', '{"a": 1, "a": 2}', '[{"a": 1, "a": 2}]', '{"a": 1, "\\u0061": 2}', '{"\\ud83d": 1}'),
    *("[1,]", "[,1]", "[1 2]", "{,}", '{"a"}', '{"a":}', '{"a": 1,}', "{1: 2}", "[", "]", "/* a */ 1", "1 // a", ""),
    *('"\ufeff"', "\ufeff1", "\u00a01", "\f1", "1\v", '["a", null]', "[[[[[[1]]]]]]"),
)
TIMES = (
    *("2026-03-08T12:00:00", "2026-03-08T12:00:00+01:00", "2026-03-08T12:00:00-18:00", "2026-03-08T12:00:00+18:00"),
    *(
        "2026-03-08T12:00:00+18:01",
        "2026-03-08T12:00:00+19:00",
        "2026-03-08T12:00:00+01:60",
        "2026-03-08T12:00:00-00:00",
    ),
    *("2026-03-08T12:00:00+0100", "2026-03-08T12:00:00+01", "2026-03-08T12:00:00z", "2026-03-08t12:00:00Z"),
    *(
        "2026-03-08 12:00:00Z",
        "2026-03-08T12:00Z",
        "2026-03-08T24:00:00Z",
        "2026-03-08T23:59:60Z",
        "2026-03-08T12:60:00Z",
    ),
    *("2026-03-08T12:00:00.Z", "2026-03-08T12:00:00.1Z", "2026-03-08T12:00:00.123456789Z", "2026-03-08T12:00:00,5Z"),
    *("2026-03-08T12:00:00.1234567891Z", "2026-02-29T12:00:00Z", "2028-02-29T12:00:00Z", "2026-04-31T12:00:00Z"),
    *("2026-13-01T12:00:00Z", "2026-00-01T12:00:00Z", "2026-01-00T12:00:00Z", "1970-01-01T00:00:00Z"),
    *("1969-12-31T23:59:59Z", "1970-01-01T00:00:00+05:00", "2099-12-31T23:59:59.999999Z", "2100-01-01T00:00:00Z"),
    *("2026-03-08T12:00:00Z ", " 2026-03-08T12:00:00Z", "2026-03-08T12:00:00Z\\n", "\u0662026-03-08T12:00:00Z"),
    *("2026-03-08", "yesterday", "", "1772971200", "2026-03-08T12:00:00+01:00[Europe/Paris]", "2026-W10-7T12:00:00Z"),
)
_CHANGES: tuple[Callable[[str], str], ...] = (
    lambda line: line[:-1],
    lambda line: line + " ",
    lambda line: " \t" + line,
    lambda line: line + "\f",
    lambda line: "\u00a0" + line,
    lambda line: line + " x",
    lambda line: line + line,
    lambda line: line + "," + line,
    lambda line: line + "] [",
    lambda line: f"[{line}]",
    lambda line: line.replace('"', "'"),
    lambda line: line.replace(": ", ":\r"),
    lambda line: line.replace(", ", ",\f"),
    lambda line: line.replace("event_type", "event\\u005ftype"),
    lambda line: line.replace("event_type", "Event_Type"),
    lambda line: line[:-1] + ', "event_id": "again"}',
    lambda line: line[:-1] + ', "event\\u005fid": "again"}',
    lambda line: line[:-1] + ', "mood": 1, "mood": "a"}',
    lambda line: line[:-1] + ', "mood": null, "mood": null}',
    lambda line: line[:-1] + ', "mood": [], "mood": [1]}',
    lambda line: line[:-1] + ', "": 1}',
    lambda line: line[:-1] + ', "\\ud83d": 1}',
    lambda line: line.replace(": 1", ": 01"),
    lambda line: line.replace("{", "{/* note */", 1),
    lambda line: line.replace("{", "{,", 1),
    lambda line: line.replace(",", ",,", 1),
    lambda line: line.replace(",", ";", 1),
    lambda line: line.replace(":", "=", 1),
    lambda line: line.replace(":", "", 1),
    lambda line: line.replace("{", "", 1),
    lambda line: line[1:],
    lambda line: line.replace("e", "\u0435", 1),
)


def with_raw(text: str, name: str = "mood") -> str:
    """A user with a field whose value stands in the line as ``text``."""
    rest = {key: value for key, value in USER.items() if key != name}
    return f'{json.dumps(rest)[:-1]}, "{name}": {text}}}'


def nested(levels: int, opening: str = "[", closing: str = "]") -> str:
    """A user with an unknown field, so nested that the line has ``levels`` levels."""
    return with_raw(opening * (levels - 1) + ("1" if opening.endswith(":") else "") + closing * (levels - 1))


LIMITS = (
    *(nested(levels) for levels in (MAX_LEVELS - 1, MAX_LEVELS, MAX_LEVELS + 1, 3 * MAX_LEVELS)),
    *(nested(levels, '{"a":', "}") for levels in (MAX_LEVELS, MAX_LEVELS + 1)),
    *(with_raw("1" * digits) for digits in (MAX_DIGITS, MAX_DIGITS + 1, 5 * MAX_DIGITS)),
    *(with_raw("-0." + "1" * digits) for digits in (MAX_DIGITS - 1, MAX_DIGITS)),
    *(with_raw("1", "x" * units) for units in (MAX_NAME_UNITS, MAX_NAME_UNITS + 1)),
    *(with_raw("1", "\U0001f600" * (MAX_NAME_UNITS // 2 + more)) for more in (0, 1)),
)

ODD_LINES: list[str] = [
    *(change(_LINE) for change in _CHANGES),
    *(with_raw(text) for text in RAW_VALUES),
    *(with_raw(text, "birth_year") for text in RAW_VALUES[:26]),
    *(with_raw(text, "name") for text in RAW_VALUES[26:46]),
    *(json.dumps(USER | {name: value}) for name in ("user_id", "name", "interests") for value in VALUES),
    *(json.dumps(IMPRESSION | {"propensity": value}) for value in VALUES),
    *(json.dumps(USER | {"event_time": time, "received_at": "2026-03-08T12:00:00Z"}) for time in TIMES),
    *LIMITS,
    *("null", "7", '"a"', "true", "[]", "{}", "", "\ufeff", "NaN", "{", "}", "[1", '"', '{"event_id": "a"', "\0"),
]
"""Lines of which one of our readers, or a reader behind them, could think otherwise than another."""


@st.composite
def odd_lines(draw: st.DrawFn) -> str:
    """A line of any event type with up to two fields changed, and seldom its text."""
    example = dict(draw(st.sampled_from(EXAMPLES)))
    for name in draw(st.lists(st.sampled_from(sorted(example)), max_size=2)):
        if draw(st.booleans()):
            example[name] = draw(st.sampled_from(VALUES) | st.sampled_from(TIMES) | st.text(max_size=4))
        else:
            example.pop(name, None)
    line = json.dumps(example, ensure_ascii=draw(st.booleans()))
    if draw(st.integers(0, 3)) == 0:
        return draw(st.sampled_from(_CHANGES))(line)
    if draw(st.integers(0, 3)) == 0:
        return f'{line[:-1]}, "mood": {draw(st.sampled_from(RAW_VALUES))}}}'
    return line
