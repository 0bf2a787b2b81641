"""docs/landing.md says what ingest does: its examples are accepted, and it lists every reason."""

import json
import re
from pathlib import Path

from pyspark.sql import SparkSession

from contracts.landing import ENVELOPE, EVENT_TYPES, REFUSALS
from spark_jobs.ingest.validation import validate
from tests.landed import DS

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "landing.md").read_text()


def test_there_is_one_accepted_example_of_every_type_with_all_its_fields(spark: SparkSession) -> None:
    examples = re.findall(r"```json\n(.*?)\n```", PAGE)
    events = [json.loads(example) for example in examples]
    assert [event["event_type"] for event in events] == list(EVENT_TYPES)
    for event in events:
        assert set(event) == {field.name for field in (*ENVELOPE, *EVENT_TYPES[event["event_type"]])}
    rows = [("a", at, example, DS) for at, example in enumerate(examples)]
    lines = spark.createDataFrame(rows, "source string, line bigint, raw string, landing_date date")
    assert [row["detail"] for row in validate(lines, 3).where("reason IS NOT NULL").collect()] == []


def test_every_reason_is_explained() -> None:
    suite = json.loads((ROOT / "expectations" / "bronze" / "quarantine.json").read_text())
    [reasons] = [item["kwargs"]["value_set"] for item in suite["expectations"] if item["kwargs"]["column"] == "reason"]
    assert sorted(reasons) == sorted(REFUSALS)
    assert [reason for reason in REFUSALS if f"`{reason}`" not in PAGE] == []
