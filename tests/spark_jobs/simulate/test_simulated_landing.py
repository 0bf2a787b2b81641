import json
from collections import Counter
from datetime import datetime
from typing import Any

import pytest

from contracts.landing import ENVELOPE, EVENT_TYPES, MAX_CLOCK_SKEW_S, Field
from contracts.settings import parse_dataset
from tests.field_edges import is_within

pytestmark = pytest.mark.many_rows

PYTHON_TYPES: dict[str, Any] = {
    "long": int, "int": int, "double": float, "boolean": bool, "string": str, "timestamp": str,
    "strings": list, "longs": list,
}  # fmt: skip


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def violations(event: dict[str, Any]) -> list[str]:
    """What a line breaks in the landing contract, as far as one line can tell."""
    if event["event_type"] not in EVENT_TYPES:
        return ["unknown_type"]
    fields: tuple[Field, ...] = ENVELOPE + EVENT_TYPES[event["event_type"]]
    found = [f"unexpected {name}" for name in event.keys() - {field.name for field in fields}]
    for field in fields:
        value: Any = event.get(field.name)
        if value is None:
            found += [f"missing {field.name}"] if field.required else []
        elif not isinstance(value, PYTHON_TYPES[field.type]) or (field.allowed and value not in field.allowed):
            found.append(f"bad {field.name}")
        elif field.type in {"long", "int", "longs"}:
            ids = [int(number) for number in (value if field.type == "longs" else [value])]
            found += [f"range {field.name}" for number in ids if not -(2**63) <= number < 2**63]
        if field.bounds and value is not None:
            is_kept = len(value) <= field.longest if field.longest is not None else is_within(field, value)
            found += [] if is_kept else [f"bounds of {field.name}"]
    if (moment(event["event_time"]) - moment(event["received_at"])).total_seconds() > MAX_CLOCK_SKEW_S:
        found.append("future")
    if moment(event.get("created_at", event["event_time"])) > moment(event["event_time"]):
        found.append("before creation")
    return found


def test_a_second_run_with_other_partitions_writes_the_same_bytes_and_clears_stale_files(area: Any) -> None:
    assert area.first.keys() == area.second.keys()
    assert area.first == area.second


def test_files_are_named_by_the_day_of_arrival_and_sorted(area: Any) -> None:
    arrivals: dict[str, list[str]] = {}
    for day, line in area.lines():
        if line.endswith("}"):
            arrivals.setdefault(day, []).append(json.loads(line)["received_at"])
    assert sorted(arrivals) == ["2026-03-06", "2026-03-07", "2026-03-08"]
    for day, times in arrivals.items():
        assert {time[:10] for time in times} == {day}
        assert times == sorted(times)
    assert not [file for file in area.root.rglob("*") if file.name.startswith("_staging")]


def test_dataset_json_is_valid(area: Any) -> None:
    dataset = parse_dataset((area.root / "dataset.json").read_text())
    assert (dataset.name, dataset.has_impressions) == ("simulated", True)


def test_every_line_is_valid_but_for_the_dirt_that_was_counted(area: Any) -> None:
    found: Counter[str] = Counter()
    events: dict[str, dict[str, Any]] = {}
    for _, line in area.lines():
        try:
            event = json.loads(line)
        except json.JSONDecodeError:
            found["malformed"] += 1
            continue
        if event["event_id"] in events:
            found["duplicate"] += 1
            assert event | {"received_at": events[event["event_id"]]["received_at"]} == events[event["event_id"]]
            continue
        events[event["event_id"]] = event
    users = {event["user_id"] for event in events.values() if event["event_type"] == "user_upserted"}
    posts = {event["post_id"] for event in events.values() if event["event_type"] == "post_created"}
    for event in events.values():
        problems = violations(event)
        if not problems and event.get("user_id", min(users)) not in users:
            problems = ["unknown_user"]
        if not problems and event.get("post_id", min(posts)) not in posts:
            problems = ["unknown_post"]
        assert len(problems) <= 1, (problems, event)
        found[problems[0] if problems else "clean"] += 1
    assert dict(found) == area.dirt
    assert area.dirt["duplicate"] / area.dirt["clean"] < 0.004
    assert min(area.dirt.values()) >= 3


def test_ids_lie_beyond_the_integers_of_a_double(area: Any) -> None:
    ids = {event["post_id"] for event in area.events() if event["event_type"] == "post_created"}
    assert min(ids) > 2**53
    assert len({float(number) for number in ids}) < len(ids)


def test_late_engagements_come_up_to_two_days_late(area: Any) -> None:
    delays = [
        (moment(event["received_at"]) - moment(event["event_time"])).total_seconds()
        for event in area.events()
        if event["event_type"] in {"impression", "engagement"} and not event["event_id"].startswith("future")
    ]
    late = [delay for delay in delays if delay > 10]
    assert 0.003 < len(late) / len(delays) < 0.015
    assert max(late) < 2 * 86_400 + 10
    assert min(delays) > 0
