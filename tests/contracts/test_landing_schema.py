"""docs/landing.schema.json is the contract: it accepts and refuses as ingest does."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from contracts.landing import EVENT_TYPES, Field
from contracts.landing_schema import json_schema
from tests.field_edges import BOUNDED, inside, outside
from tests.landing_page import EXAMPLES

DOCS = Path(__file__).resolve().parents[2] / "docs"
IMPRESSION = next(example for example in EXAMPLES if example["event_type"] == "impression")


def is_valid(event: Any) -> bool:
    return bool(Draft202012Validator(json_schema()).is_valid(event))


def test_the_file_is_made_from_the_contract() -> None:
    message = "run `python -m contracts.landing_schema > docs/landing.schema.json`"
    assert json.loads((DOCS / "landing.schema.json").read_text()) == json_schema(), message
    Draft202012Validator.check_schema(json_schema())


@pytest.mark.parametrize("example", EXAMPLES, ids=list(EVENT_TYPES))
def test_examples_are_valid_and_no_required_field_may_be_missing(example: dict[str, Any]) -> None:
    assert is_valid(example)
    for field in EVENT_TYPES[example["event_type"]]:
        without = {name: value for name, value in example.items() if name != field.name}
        assert is_valid(without) == (not field.required)
        assert is_valid(example | {field.name: None}) == (not field.required)


@pytest.mark.parametrize(
    ("change", "valid"),
    [
        ({"position": "1"}, False),
        ({"position": 2**31}, False),
        ({"user_id": 2**63 - 1}, True),
        ({"user_id": 2**63}, False),
        ({"event_id": ""}, False),
        ({"event_type": "teleport"}, False),
        ({"propensity": 1}, True),
        ({"something_new": [1]}, True),
    ],
)
def test_values_are_held_to_their_type(change: dict[str, Any], valid: bool) -> None:
    assert is_valid(IMPRESSION | change) == valid


@pytest.mark.parametrize(("event_type", "field"), BOUNDED, ids=str)
def test_values_are_held_to_their_bounds(event_type: str, field: Field) -> None:
    example = next(one for one in EXAMPLES if one["event_type"] == event_type)
    assert [value for value in inside(field) if not is_valid(example | {field.name: value})] == []
    assert [value for value in outside(field) if is_valid(example | {field.name: value})] == []


def test_a_field_has_one_type_wherever_it_stands() -> None:
    types: dict[str, set[tuple[str, str]]] = {}
    for fields in EVENT_TYPES.values():
        for field in fields:
            types.setdefault(field.name, set()).add((field.type, field.bounds))
    assert {name: found for name, found in types.items() if len(found) > 1} == {}, "the quick reading reads it once"


def test_fields_of_the_first_contract_have_kept_their_types() -> None:
    """Landing areas written for the first contract stay valid: its fields stand, and later ones are optional.

    A field that had to be there may have become optional since, never the other way round.

    Bounds came later, and took nothing back: a value beyond them stopped the night at a gate or was refused by clean.
    """
    first: dict[str, list[str]] = json.loads((Path(__file__).parent / "landing_fields_1.json").read_text())
    for event_type, fields in first.items():
        now = {field.name: field for field in EVENT_TYPES[event_type]}
        for name, kind, required in (line.split() for line in fields):
            assert now[name].type == kind, (event_type, name)
            assert now[name].required <= (required == "True"), (event_type, name)
        later = set(now) - {line.split()[0] for line in fields}
        assert not [field.name for field in EVENT_TYPES[event_type] if field.name in later and field.required]


def test_a_line_is_an_object_of_a_known_type() -> None:
    assert not is_valid([IMPRESSION])
    assert not is_valid({name: value for name, value in IMPRESSION.items() if name != "event_type"})
