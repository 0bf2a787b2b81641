"""The landing contract as JSON Schema, for machines.

``python -m contracts.landing_schema > docs/landing.schema.json`` writes the file; a test holds it to the contract.
"""

import json
from typing import Any

from contracts.landing import ENVELOPE, EVENT_TYPES, Field, FieldType

_SCHEMA_OF: dict[FieldType, dict[str, Any]] = {
    "long": {"type": "integer", "minimum": -(2**63), "maximum": 2**63 - 1},
    "int": {"type": "integer", "minimum": -(2**31), "maximum": 2**31 - 1},
    "double": {"type": "number"},
    "boolean": {"type": "boolean"},
    "string": {"type": "string"},
    "timestamp": {"type": "string", "format": "date-time"},
    "strings": {"type": "array", "items": {"type": ["string", "null"]}},
    "longs": {"type": "array", "items": {"type": ["integer", "null"], "minimum": -(2**63), "maximum": 2**63 - 1}},
}


def json_schema() -> dict[str, Any]:
    """The contract of one line, without the rules that JSON Schema cannot express (``REFUSALS``: times, references)."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "One line of a landing file",
        "type": "object",
        "properties": {"event_type": {"enum": list(EVENT_TYPES)}},
        "required": ["event_type"],
        "oneOf": [event_schema(name, fields) for name, fields in EVENT_TYPES.items()],
    }


def event_schema(event_type: str, fields: tuple[Field, ...]) -> dict[str, Any]:
    """The contract of one event type's line."""
    properties = {field.name: _field_schema(field) for field in (*ENVELOPE, *fields)}
    properties["event_id"] |= {"minLength": 1}
    properties["event_type"] = {"const": event_type}
    required = [field.name for field in (*ENVELOPE, *fields) if field.required]
    return {"title": event_type, "properties": properties, "required": required}


def _field_schema(field: Field) -> dict[str, Any]:
    bounds = {
        "minimum": field.least,
        "exclusiveMinimum": field.above,
        "maximum": field.most,
        "maxLength": field.longest,
    }
    schema = _SCHEMA_OF[field.type] | {word: bound for word, bound in bounds.items() if bound is not None}
    if field.allowed:
        schema["enum"] = list(field.allowed)
    return schema if field.required else {"anyOf": [schema, {"type": "null"}]}


if __name__ == "__main__":
    print(json.dumps(json_schema(), indent=1))
