"""The suites of bronze and silver have exactly the values and bounds of the landing contract.

A critical rule that a landed line could break, and that no refusal comes before, would stop nights on one bad line.
"""

import json
from pathlib import Path
from typing import Any

from contracts.landing import (
    CONTENT_TYPES,
    ENGAGEMENT_TYPES,
    EVENT_TYPES,
    LABELLER_TYPES,
    LABELS,
    PACING,
    PRIVACY,
    REACTION_TYPES,
    REFUSALS,
    SOURCE_TYPES,
    Field,
)
from contracts.pipeline import tables_of

ROOT = Path(__file__).resolve().parents[3]
TABLE_OF = {
    "user_upserted": "silver.users",
    "page_upserted": "silver.pages",
    "group_upserted": "silver.groups",
    "friendship_created": "silver.friendships",
    "page_followed": "silver.page_follows",
    "group_joined": "silver.group_memberships",
    "user_blocked": "silver.blocks",
    "post_created": "silver.posts",
    "impression": "silver.impressions",
    "engagement": "silver.engagements",
    "session": "silver.sessions",
    "campaign_upserted": "silver.campaigns",
    "ad_upserted": "silver.ads",
    "content_labelled": "silver.content_labels",
}
"""The table that a field of an event type ends up in, under its own name."""

PAIRS = {
    ("silver.posts", "updated_at", "created_at"): "before_creation",
    ("silver.sessions", "ended_at", "started_at"): "ends_before_start",
    ("silver.campaigns", "ends_at", "starts_at"): "ends_before_start",
}
"""Two moments of one line, and the reason for which the line is refused where they are in the wrong order."""

BUILT = {
    "received_at": "ingest moves it up to the event's time",
    "valid_to": "an interval ends at a later event",
    "superseded_at": "the event time of a later version",
    "superseded_received_at": "ingest moves it up to the event's time",
    "last_post_at": "the greatest of the creator's",
    "num_events": "counted",
    "num_posts": "counted",
    "num_pages": "counted",
    "gender": "any other text becomes 'other'",
}
"""Columns that our jobs make, so that no line has a say in whether they keep their rule."""


def enumerations(table: str) -> dict[str, set[str]]:
    suite = json.loads((ROOT / "expectations" / f"{table.replace('.', '/')}.json").read_text())
    assert suite["table"] == table
    sets = [item["kwargs"] for item in suite["expectations"] if item["type"] == "expect_column_values_to_be_in_set"]
    return {kwargs["column"]: set(kwargs["value_set"]) for kwargs in sets}


def test_enumerations_are_those_of_the_contract() -> None:
    assert enumerations("bronze.events")["event_type"] == set(EVENT_TYPES)
    for table in ("silver.posts", "silver.post_edits"):
        assert enumerations(table) == {
            "source_type": set(SOURCE_TYPES),
            "content_type": set(CONTENT_TYPES),
            "privacy": set(PRIVACY),
        }
    assert enumerations("silver.campaigns") == {"pacing": set(PACING)}
    assert enumerations("silver.content_labels") == {"label": set(LABELS), "labeller_type": set(LABELLER_TYPES)}
    assert enumerations("silver.engagements")["engagement_type"] == {*ENGAGEMENT_TYPES, *REACTION_TYPES}


def critical(table: str) -> list[dict[str, Any]]:
    suite = json.loads((ROOT / "expectations" / f"{table.replace('.', '/')}.json").read_text())
    return [item for item in suite["expectations"] if item["severity"] == "critical"]


def bounds_of(kwargs: dict[str, Any]) -> tuple[Any, ...]:
    """Least, above and most, as a ``Field`` has them."""
    least, above = kwargs.get("min_value"), None
    if kwargs.get("strict_min"):
        least, above = None, least
    return least, above, kwargs.get("max_value")


def test_every_critical_rule_of_silver_has_a_refusal_before_it_and_every_bound_a_rule() -> None:
    fields: dict[tuple[str, str], Field] = {
        (table, field.name): field for event_type, table in TABLE_OF.items() for field in EVENT_TYPES[event_type]
    }
    held = set()
    for table in (table.full_name for table in tables_of("clean")):
        for item in critical(table):
            kwargs = item["kwargs"]
            column = kwargs.get("column") or kwargs["column_A"]
            field = fields.get((table.replace("post_edits", "posts"), column))
            if column in BUILT:
                continue
            if "column_A" in kwargs:
                assert PAIRS[table, column, kwargs["column_B"]] in REFUSALS
            elif item["type"] == "expect_column_values_to_be_between":
                assert field is not None, (table, column)
                assert bounds_of(kwargs) == (field.least, field.above, field.most), (table, column)
                held.add((table, column))
            elif item["type"] == "expect_column_value_lengths_to_be_between":
                assert field is not None, (table, column)
                assert bounds_of(kwargs) == (None, None, field.longest), (table, column)
                held.add((table, column))
            else:
                assert item["type"] == "expect_column_values_to_be_in_set", item
                assert field is not None, (table, column)
                assert set(kwargs["value_set"]) >= set(field.allowed) > set(), (table, column)
    assert held == {place for place, field in fields.items() if field.bounds}
