"""docs/landing.md agrees with ingest: its examples are accepted, and it lists every reason."""

import json
import re
from pathlib import Path

from contracts.landing import ENVELOPE, EVENT_TYPES, REFUSALS, FieldType
from spark_jobs.ingest.line_rules import judge
from tests.landed import batch_of
from tests.landing_page import EXAMPLE_LINES, EXAMPLES, PAGE

ROOT = Path(__file__).resolve().parents[3]


WORDS: dict[FieldType, str] = {
    "long": "64-bit integer",
    "int": "32-bit integer",
    "double": "number",
    "boolean": "true or false",
    "string": "text",
    "timestamp": "time",
    "strings": "list of texts",
    "longs": "list of 64-bit integers",
}


def test_every_field_is_listed_with_its_type_and_its_values() -> None:
    tables: dict[str, list[tuple[str, ...]]] = {}
    for section in PAGE.split("\n### `")[1:]:
        name, text = section.split("`", 1)
        alike = re.match(r"[^#`]*Fields as in `(\w+)`(?:, without `(\w+)`)?\.", text)
        rows = re.findall(r"(?m)^\| `(\w+)` \| ([\w -]+) \| (yes|no) \| (.*?) \|$", text.split("```json")[0])
        tables[name] = [row for row in tables[alike[1]] if row[0] != alike[2]] if alike else rows
    assert tables == {
        name: [
            (field.name, WORDS[field.type], "yes" if field.required else "no", field.bounds or ", ".join(field.allowed))
            for field in fields
        ]
        for name, fields in EVENT_TYPES.items()
    }


def test_there_is_one_accepted_example_of_every_type_with_all_its_fields() -> None:
    assert [event["event_type"] for event in EXAMPLES] == list(EVENT_TYPES)
    for event in EXAMPLES:
        assert set(event) == {field.name for field in (*ENVELOPE, *EVENT_TYPES[event["event_type"]])}
    assert [row["detail"] for row in judge(batch_of(EXAMPLE_LINES), 3).to_pylist() if row["reason"]] == []


def test_every_reason_is_explained() -> None:
    suite = json.loads((ROOT / "expectations" / "bronze" / "quarantine.json").read_text())
    [reasons] = [item["kwargs"]["value_set"] for item in suite["expectations"] if item["kwargs"]["column"] == "reason"]
    assert sorted(reasons) == sorted(REFUSALS)
    assert [reason for reason in REFUSALS if f"`{reason}`" not in PAGE] == []
