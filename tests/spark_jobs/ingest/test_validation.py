import json
from datetime import date
from typing import Any

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from spark_jobs.ingest.plain_lines import PLAIN
from spark_jobs.ingest.validation import validate
from tests.landed import NOON, as_read, engagement, event, impression, naive, post, user


def reasons(spark: SparkSession, lines: list[str]) -> list[tuple[str | None, str | None]]:
    rows = validate(as_read(spark, lines), late_days=3).orderBy("line").collect()
    return [(row["reason"], row["detail"]) for row in rows]


def without(fields: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name not in names}


CASES: list[tuple[str, Any, str | None, str | None]] = [
    ("a user", user(1), None, None),
    ("unknown fields are kept and ignored", user(1, mood={"a": [1, {"b": None}]}), None, None),
    ("null optional field", user(1, gender=None), None, None),
    ("a field that the contract does not know yet", user(1, planet="Mars", moons=[1, "a"]), None, None),
    ("a newer optional field", impression("i", 1, 1, ad_id=2**63 - 1, arms=["a"], connection="wifi"), None, None),
    ("its type changed", impression("i", 1, 1, ad_id="7"), "wrong_type", 'ad_id="7"'),
    ("a text became a list", impression("i", 1, 1, connection=["wifi"]), "wrong_type", 'connection=["wifi"]'),
    ("a late session", event("session", "s", NOON, session_id="s", user_id=1, device="phone", started_at=NOON,
                             ended_at=NOON) | {"event_time": "2026-03-05T11:59:59Z"}, "too_late",
     'event_time="2026-03-05T11:59:59Z"'),
    ("least id", user(-(2**63)), None, None),
    ("greatest id", user(2**63 - 1), None, None),
    ("empty lists", user(1, interests=[]), None, None),
    ("whole number for a double", impression("i", 1, 1, propensity=1), None, None),
    ("an offset instead of Z", user(1, at="2026-03-08T13:00:00.5+01:00"), None, None),
    ("cut off", '{"event_id": "a"', "malformed_json", None),
    ("two objects", json.dumps(user(1)) + json.dumps(user(2)), "malformed_json", None),
    ("two objects and a comma", json.dumps(user(1)) + "," + json.dumps(user(2)), "malformed_json", None),
    ("closing brackets after it", json.dumps(user(1)) + "] [", "malformed_json", None),
    ("text after it", json.dumps(user(1)) + " x", "malformed_json", None),
    ("one key twice", '{"event_id": "a", "event_id": "b"}', "malformed_json", None),
    ("not a number", '{"a": NaN}', "malformed_json", None),
    ("a list", "[1]", "not_an_object", None),
    ("a number", "7", "not_an_object", None),
    ("null", "null", "not_an_object", None),
    ("empty object", "{}", "missing_field", "event_id"),
    ("empty event id", user(1, event_id="") | {"event_id": ""}, "missing_field", "event_id"),
    ("no received_at", without(user(1), "received_at"), "missing_field", "received_at"),
    ("no post id", without(engagement("e", 1, 1), "post_id"), "missing_field", "post_id"),
    ("null required field", user(1, name=None), "missing_field", "name"),
    ("missing comes before wrong", without(engagement("e", 1, "x"), "user_id"), "missing_field", "user_id"),  # type: ignore[arg-type]
    ("id of 64 bits and one", user(2**63), "wrong_type", "user_id=9223372036854775808"),
    ("id as a float", user(1.0), "wrong_type", "user_id=1.0"),  # type: ignore[arg-type]
    ("id as a power", '{"event_id":"a","event_type":"post_deleted","event_time":"' + NOON + '","received_at":"' + NOON
     + '","post_id":1e3}', "wrong_type", "post_id=1000.0"),
    ("id as text", user("1"), "wrong_type", 'user_id="1"'),  # type: ignore[arg-type]
    ("id as a boolean", user(1) | {"user_id": True}, "wrong_type", "user_id=true"),
    ("number as text", user(1, name=7), "wrong_type", "name=7"),
    ("boolean as a number", user(1, is_verified=1), "wrong_type", "is_verified=1"),
    ("int beyond 32 bits", user(1, birth_year=2**31), "wrong_type", "birth_year=2147483648"),
    ("endless double", json.dumps(impression("i", 1, 1, propensity=0.5)).replace("0.5", "1e999"), "wrong_type",
     'propensity="Infinity"'),
    ("list with a number", user(1, interests=["a", 1]), "wrong_type", 'interests=["a",1]'),
    ("list of floats", post(1, 1, mentions=[1, 2.5]), "wrong_type", "mentions=[1,2.5]"),
    ("a word for a time", user(1, signup_at="yesterday"), "wrong_type", 'signup_at="yesterday"'),
    ("a day for a time", user(1, signup_at="2026-03-08"), "wrong_type", 'signup_at="2026-03-08"'),
    ("seconds for a time", user(1) | {"event_time": 1772971200}, "wrong_type", "event_time=1772971200"),
    ("no such day", user(1, signup_at="2026-02-30T00:00:00Z"), "wrong_type", 'signup_at="2026-02-30T00:00:00Z"'),
    ("a year before 1970", user(1, signup_at="0001-01-01T00:00:00Z"), "wrong_type",
     'signup_at="0001-01-01T00:00:00Z"'),
    ("unknown type", event("dance", "d"), "unknown_event_type", "dance"),
    ("unknown type, wrong time", event("dance", "d") | {"event_time": 1}, "wrong_type", "event_time=1"),
    ("value outside", engagement("e", 1, 1, engagement_type="love"), "value_not_allowed", 'engagement_type="love"'),
    ("value not allowed comes before one out of range", post(1, 1, text="x" * 63_207, privacy="secret"),
     "value_not_allowed", 'privacy="secret"'),
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
     "malformed_json", None),
    ("digits beyond a reader", json.dumps(user(1))[:-1] + ', "moons": ' + "1" * 1200 + "}",
     "malformed_json", None),
    ("a name beyond a reader", user(1) | {"x" * 60_000: 1}, "malformed_json", None),
    ("more fields than one line needs", user(1) | {f"moon_{at}": at for at in range(1200)}, None, None),
    ("ahead of the collector by 300 s", user(1) | {"event_time": "2026-03-08T12:05:00Z"}, None, None),
    ("ahead by more", user(1) | {"event_time": "2026-03-08T12:05:00.001Z"}, "future_event",
     'event_time="2026-03-08T12:05:00.001Z"'),
    ("last moment of the landing day", user(1, at="2026-03-08T23:59:59.999Z"), None, None),
    ("received after the landing day", user(1, at="2026-03-09T00:00:00Z"), "future_event",
     'received_at="2026-03-09T00:00:00Z"'),
    ("three days late", engagement("e", 1, 1) | {"event_time": "2026-03-05T12:00:00Z"}, None, None),
    ("later", engagement("e", 1, 1) | {"event_time": "2026-03-05T11:59:59Z"}, "too_late",
     'event_time="2026-03-05T11:59:59Z"'),
    ("a late post", post(1, 1) | {"event_time": "2026-02-05T11:59:59Z"}, None, None),
    ("an imported old impression", impression("i", 1, 1, at="2025-03-05T11:59:59Z"), None, None),
]  # fmt: skip


def test_every_rule_names_its_refusal(spark: SparkSession) -> None:
    lines = [case if isinstance(case, str) else json.dumps(case) for _, case, _, _ in CASES]
    found = reasons(spark, lines)
    wrong = {name: got for (name, _, reason, detail), got in zip(CASES, found, strict=True) if got != (reason, detail)}
    assert wrong == {}


def test_invalid_bytes_are_malformed(spark: SparkSession) -> None:
    broken = F.expr("cast(unhex(replace(hex(raw), '40', 'FF')) as string)")
    suspect = {field.name: F.lit(None).cast(field.dataType) for field in PLAIN}
    lines = as_read(spark, [json.dumps(user(1, name="@"))]).withColumns({"raw": broken, **suspect})
    row = validate(lines, late_days=3).select("reason").first()
    assert row is not None
    assert row["reason"] == "malformed_json"


def test_received_at_is_never_before_the_event(spark: SparkSession) -> None:
    ahead = user(1) | {"event_time": "2026-03-08T12:04:00Z"}
    row = validate(as_read(spark, [json.dumps(ahead)]), late_days=3).first()
    assert row is not None
    assert row["event_time"] == row["received_at"] == naive("2026-03-08T12:04:00Z")
    assert row["landing_date"] == date(2026, 3, 8)


def test_a_long_value_is_cut_in_the_detail(spark: SparkSession) -> None:
    [(reason, detail)] = reasons(spark, [json.dumps(engagement("e", 1, 1, engagement_type="x" * 1000))])
    assert reason == "value_not_allowed"
    assert detail is not None
    assert len(detail) == 200
