"""The suites of bronze and silver name the values that the landing contract names."""

import json
from pathlib import Path

from contracts.landing import (
    CONTENT_TYPES,
    ENGAGEMENT_TYPES,
    EVENT_TYPES,
    LABELLER_TYPES,
    LABELS,
    PACING,
    PRIVACY,
    REACTION_TYPES,
    SOURCE_TYPES,
)

ROOT = Path(__file__).resolve().parents[3]


def enumerations(table: str) -> dict[str, set[str]]:
    suite = json.loads((ROOT / "expectations" / f"{table.replace('.', '/')}.json").read_text())
    assert suite["table"] == table
    sets = [item["kwargs"] for item in suite["expectations"] if item["type"] == "expect_column_values_to_be_in_set"]
    return {kwargs["column"]: set(kwargs["value_set"]) for kwargs in sets}


def test_enumerations_are_those_of_the_contract() -> None:
    assert enumerations("bronze.events")["event_type"] == set(EVENT_TYPES)
    assert enumerations("silver.posts") == {
        "source_type": set(SOURCE_TYPES),
        "content_type": set(CONTENT_TYPES),
        "privacy": set(PRIVACY),
    }
    assert enumerations("silver.campaigns") == {"pacing": set(PACING)}
    assert enumerations("silver.content_labels") == {"label": set(LABELS), "labeller_type": set(LABELLER_TYPES)}
    assert enumerations("silver.engagements")["engagement_type"] == {*ENGAGEMENT_TYPES, *REACTION_TYPES}
