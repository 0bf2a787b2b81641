"""Every rule of one line gives its refusal: the field, its value as in the line, and what is allowed."""

import json
from datetime import date
from typing import Any

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from contracts.landing import ENGAGEMENT_TYPES
from spark_jobs.ingest.line_rules import judge, without_marks
from spark_jobs.ingest.validation import validate
from tests.landed import NOON, as_read, batch_of, engagement, event, impression, naive, post, user

ENGAGEMENTS = f"{', '.join(ENGAGEMENT_TYPES[:-1])} or {ENGAGEMENT_TYPES[-1]}"
A_TIME = ", must be a time like 2026-03-08T12:00:00Z, 1970 to 2099"


def reasons(lines: list[str | bytes]) -> list[tuple[str | None, str | None]]:
    return [(row["reason"], row["detail"]) for row in judge(batch_of(lines), late_days=3).to_pylist()]


def without(fields: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name not in names}


CASES: list[tuple[str, Any, str | None, str | None]] = [
    ("a user", user(1), None, None),
    ("unknown fields are kept and ignored", user(1, mood={"a": [1, {"b": None}]}), None, None),
    ("null optional field", user(1, gender=None), None, None),
    ("a field that the contract does not know yet", user(1, planet="Mars", moons=[1, "a"]), None, None),
    ("a newer optional field", impression("i", 1, 1, ad_id=2**63 - 1, arms=["a"], connection="wifi"), None, None),
    ("its type changed", impression("i", 1, 1, ad_id="7"), "wrong_type", 'ad_id="7", must be a 64-bit integer'),
    ("a text became a list", impression("i", 1, 1, connection=["wifi"]), "wrong_type",
     'connection=["wifi"], must be a text'),
    ("a late session", event("session", "s", NOON, session_id="s", user_id=1, device="phone", started_at=NOON,
                             ended_at=NOON) | {"event_time": "2026-03-05T11:59:59Z"}, "too_late",
     f'event_time="2026-03-05T11:59:59Z", must be at most 3 days before received_at="{NOON}"'),
    ("least id", user(-(2**63)), None, None),
    ("greatest id", user(2**63 - 1), None, None),
    ("empty lists", user(1, interests=[]), None, None),
    ("whole number for a double", impression("i", 1, 1, propensity=1), None, None),
    ("an offset instead of Z", user(1, at="2026-03-08T13:00:00.5+01:00"), None, None),
    ("cut off", '{"event_id": "a"', "malformed_json",
     "character 17: expecting ',' delimiter, found the end of the line"),
    ("two objects", json.dumps(user(1)) + json.dumps(user(2)), "malformed_json",
     'character 200: extra data, found {"event_id": "user-2'),
    ("two objects and a comma", json.dumps(user(1)) + "," + json.dumps(user(2)), "malformed_json",
     'character 200: extra data, found ,{"event_id": "user-'),
    ("closing brackets after it", json.dumps(user(1)) + "] [", "malformed_json",
     "character 200: extra data, found ] ["),
    ("text after it", json.dumps(user(1)) + " x", "malformed_json", "character 201: extra data, found x"),
    ("one key twice", '{"event_id": "a", "event_id": "b"}', "duplicate_key", '"event_id"'),
    ("not a number", '{"a": NaN}', "malformed_json", "character 7: expecting value, found NaN}"),
    ("a list", "[1]", "not_an_object", "[1]"),
    ("a number", "7", "not_an_object", "7"),
    ("null", "null", "not_an_object", "null"),
    ("empty object", "{}", "missing_field", "event_id"),
    ("empty event id", user(1, event_id="") | {"event_id": ""}, "missing_field", 'event_id=""'),
    ("no received_at", without(user(1), "received_at"), "missing_field", "received_at"),
    ("no post id", without(engagement("e", 1, 1), "post_id"), "missing_field", "post_id"),
    ("null required field", user(1, name=None), "missing_field", "name=null"),
    ("missing comes before wrong", without(engagement("e", 1, "x"), "user_id"), "missing_field", "user_id"),  # type: ignore[arg-type]
    ("id of 64 bits and one", user(2**63), "wrong_type", "user_id=9223372036854775808, must be a 64-bit integer"),
    ("id as a float", user(1.0), "wrong_type", "user_id=1.0, must be a 64-bit integer"),  # type: ignore[arg-type]
    ("id as a power", '{"event_id":"a","event_type":"post_deleted","event_time":"' + NOON + '","received_at":"' + NOON
     + '","post_id":1e3}', "wrong_type", "post_id=1e3, must be a 64-bit integer"),
    ("id as text", user("1"), "wrong_type", 'user_id="1", must be a 64-bit integer'),  # type: ignore[arg-type]
    ("id as a boolean", user(1) | {"user_id": True}, "wrong_type", "user_id=true, must be a 64-bit integer"),
    ("number as text", user(1, name=7), "wrong_type", "name=7, must be a text"),
    ("boolean as a number", user(1, is_verified=1), "wrong_type", "is_verified=1, must be true or false"),
    ("int beyond 32 bits", user(1, birth_year=2**31), "wrong_type", "birth_year=2147483648, must be a 32-bit integer"),
    ("endless double", json.dumps(impression("i", 1, 1, propensity=0.5)).replace("0.5", "1e999"), "wrong_type",
     "propensity=1e999, must be a finite number"),
    ("list with a number", user(1, interests=["a", 1]), "wrong_type", 'interests=["a", 1], must be a list of texts'),
    ("list of floats", post(1, 1, mentions=[1, 2.5]), "wrong_type",
     "mentions=[1, 2.5], must be a list of 64-bit integers"),
    ("a word for a time", user(1, signup_at="yesterday"), "wrong_type", f'signup_at="yesterday"{A_TIME}'),
    ("a day for a time", user(1, signup_at="2026-03-08"), "wrong_type", f'signup_at="2026-03-08"{A_TIME}'),
    ("seconds for a time", user(1) | {"event_time": 1772971200}, "wrong_type", f"event_time=1772971200{A_TIME}"),
    ("no such day", user(1, signup_at="2026-02-30T00:00:00Z"), "wrong_type",
     f'signup_at="2026-02-30T00:00:00Z"{A_TIME}'),
    ("a year before 1970", user(1, signup_at="0001-01-01T00:00:00Z"), "wrong_type",
     f'signup_at="0001-01-01T00:00:00Z"{A_TIME}'),
    ("unknown type", event("dance", "d"), "unknown_event_type", 'event_type="dance"'),
    ("unknown type, wrong time", event("dance", "d") | {"event_time": 1}, "wrong_type", f"event_time=1{A_TIME}"),
    ("value outside", engagement("e", 1, 1, engagement_type="love"), "value_not_allowed",
     f'engagement_type="love", must be {ENGAGEMENTS}'),
    ("value not allowed comes before one out of range", post(1, 1, text="x" * 63_207, privacy="secret"),
     "value_not_allowed",
     'privacy="secret", must be public, friends, friends_except, only_me or custom'),
    ("a position of no feed", impression("i", 1, 1, position=1001), "value_out_of_range",
     "position=1001, must be 1 to 1000"),
    ("a probability of nothing", impression("i", 1, 1, propensity=0.0), "value_out_of_range",
     "propensity=0.0, must be above 0, at most 1"),
    ("no epoch", impression("i", 1, 1, epoch=0), "value_out_of_range", "epoch=0, must be at least 1"),
    ("a text without end", post(1, 1, text="é" * 63_207), "value_out_of_range",
     "text of 63207 characters, must be at most 63206 characters"),
    ("a long text", post(1, 1, text="é" * 63_206), None, None),
    ("out of range, and of another type", engagement("e", 1, 1, position=0, bid=-1), None, None),
    ("lists in lists beyond a reader", json.dumps(user(1))[:-1] + ', "moons": ' + "[" * 1200 + "]" * 1200 + "}",
     "beyond_limits", "nested 1,201 levels deep, must be at most 1,000"),
    ("digits beyond a reader", json.dumps(user(1))[:-1] + ', "moons": ' + "1" * 1200 + "}",
     "beyond_limits", "moons: a number of 1,200 digits, must be at most 1,000"),
    ("a name beyond a reader", user(1) | {"x" * 60_000: 1}, "beyond_limits",
     "x" * 80 + "…: a name of 60,000 characters, must be at most 50,000"),
    ("more fields than one line needs", user(1) | {f"moon_{at}": at for at in range(1200)}, None, None),
    ("ahead of the collector by 300 s", user(1) | {"event_time": "2026-03-08T12:05:00Z"}, None, None),
    ("ahead by more", user(1) | {"event_time": "2026-03-08T12:05:00.001Z"}, "future_event",
     f'event_time="2026-03-08T12:05:00.001Z", must be at most 300 s after received_at="{NOON}"'),
    ("last moment of the landing day", user(1, at="2026-03-08T23:59:59.999Z"), None, None),
    ("received after the landing day", user(1, at="2026-03-09T00:00:00Z"), "future_event",
     'received_at="2026-03-09T00:00:00Z", must be on the folder\'s day 2026-03-08 or before'),
    ("three days late", engagement("e", 1, 1) | {"event_time": "2026-03-05T12:00:00Z"}, None, None),
    ("later", engagement("e", 1, 1) | {"event_time": "2026-03-05T11:59:59Z"}, "too_late",
     f'event_time="2026-03-05T11:59:59Z", must be at most 3 days before received_at="{NOON}"'),
    ("half a character", user(1, name="half \ud83d"), "lone_surrogate", 'name="half \\ud83d"'),
    ("half a character where nobody looks", user(1, mood=["\udc00"]), "lone_surrogate", 'mood=["\\udc00"]'),
    ("a byte of another encoding", json.dumps(user(1, name="@")).encode().replace(b"@", b"\xe9"), "not_utf8",
     'byte 155 is 0xe9, after er_id": 1, "name": ": write the file in UTF-8'),
    ("a late post", post(1, 1) | {"event_time": "2026-02-05T11:59:59Z"}, None, None),
    ("an imported old impression", impression("i", 1, 1, at="2025-03-05T11:59:59Z"), None, None),
]  # fmt: skip


@pytest.mark.parametrize(("case", "reason", "detail"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_every_rule_names_its_refusal(case: Any, reason: str | None, detail: str | None) -> None:
    line = case if isinstance(case, (str, bytes)) else json.dumps(case)
    assert reasons([line]) == [(reason, detail)]


def test_lines_are_judged_alike_one_by_one_together_and_by_spark(spark: SparkSession) -> None:
    lines = [case if isinstance(case, (str, bytes)) else json.dumps(case) for _, case, _, _ in CASES]
    expected = [(reason, detail) for _, _, reason, detail in CASES]
    assert reasons(lines) == expected
    hexes = [(line.encode() if isinstance(line, str) else line).hex() for line in lines]
    landed = as_read(spark, hexes).withColumn("raw", F.expr("cast(unhex(raw) as string)"))
    rows = validate(landed, late_days=3).orderBy("line").collect()
    assert [(row["reason"], row["detail"]) for row in rows] == expected


def test_a_byte_order_mark_before_a_line_is_no_part_of_it() -> None:
    mark, line = "\ufeff".encode(), json.dumps(user(1)).encode()
    bare = without_marks(batch_of([mark + line, line, mark, mark + mark + line, mark + b"\xff"]))
    assert bare.column("raw").cast("binary").to_pylist() == [line, line, mark + line, b"\xff"]
    [first, second, third, _] = judge(bare, late_days=3).to_pylist()
    assert (first["reason"], first["event_id"]) == (second["reason"], second["event_id"]) == (None, "user-1")
    assert third["detail"] == "character 1: expecting value, found a byte-order mark"


def test_received_at_is_never_before_the_event(spark: SparkSession) -> None:
    ahead = user(1) | {"event_time": "2026-03-08T12:04:00Z"}
    row = validate(as_read(spark, [json.dumps(ahead)]), late_days=3).first()
    assert row is not None
    assert row["event_time"] == row["received_at"] == naive("2026-03-08T12:04:00Z")
    assert row["landing_date"] == date(2026, 3, 8)


def test_a_long_value_is_cut_and_the_rule_is_not() -> None:
    [(reason, detail)] = reasons([json.dumps(engagement("e", 1, 1, engagement_type="x" * 1000))])
    assert reason == "value_not_allowed"
    assert detail == f'engagement_type="{"x" * 79}…, must be {ENGAGEMENTS}'
