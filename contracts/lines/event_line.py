"""Check one landing line against the contract: its event, or the first rule that it breaks.

Ingest checks the lines this way that its columnar reader leaves over; the collector checks every event. This is
row-wise Python, at some twenty thousand lines a second.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from contracts.landing import ENVELOPE, EVENT_TYPES, Field, FieldType
from contracts.lines.json_problems import Problem, shown
from contracts.lines.strict_json import Number, read_json, value_text
from contracts.lines.times import is_time

_IN_WORDS: dict[FieldType, str] = {
    "long": "a 64-bit integer",
    "int": "a 32-bit integer",
    "double": "a finite number",
    "boolean": "true or false",
    "string": "a text",
    "timestamp": "a time like 2026-03-08T12:00:00Z, 1970 to 2099",
    "strings": "a list of texts",
    "longs": "a list of 64-bit integers",
}
"""Each type in words."""

_MISSING, _WRONG_TYPE, _UNKNOWN_TYPE, _NOT_ALLOWED, _OUT_OF_RANGE, _NONE = range(6)
"""Rules of a field, in the order in which they are checked."""
_REASONS = ("missing_field", "wrong_type", "unknown_event_type", "value_not_allowed", "value_out_of_range")


@dataclass(frozen=True)
class Line:
    """A line's fields (empty if the line is not an event) and the first rule that it breaks."""

    fields: dict[str, Any]
    problem: Problem | None


def read_line(line: bytes) -> Line:
    """Check ``line`` against the contract, except for the rules about times, which need the folder's day."""
    value, problem = read_json(line)
    if problem is None and not isinstance(value, dict):
        problem = Problem("not_an_object", shown(line.decode()))
    if problem is not None and problem.reason != "lone_surrogate":  # the other fields are still sound
        return Line({}, problem)
    fields = value if isinstance(value, dict) else {}
    return Line(fields, problem or first_broken(fields, line))


def first_broken(fields: dict[str, Any], line: bytes) -> Problem | None:
    """The first rule of the contract that the ``fields`` of ``line`` break, except for the rules about times."""
    event_type = fields.get("event_type")
    own = EVENT_TYPES.get(event_type) if type(event_type) is str else None
    rules = (*ENVELOPE, *(own or ()))
    least, broken = _NONE, None
    for field in rules:
        rule = _rule_broken(field, fields.get(field.name))
        if rule < least:
            least, broken = rule, field
    if own is None and least > _UNKNOWN_TYPE:
        return Problem("unknown_event_type", f"event_type={shown(value_text(line, 'event_type'))}", "event_type")
    return None if broken is None else Problem(_REASONS[least], _detail(least, broken, fields, line), broken.name)


def _rule_broken(field: Field, value: Any) -> int:
    if value is None or (value == "" and field.name == "event_id"):
        return _MISSING if field.required else _NONE
    if not IS_OF_TYPE[field.type](value):
        return _WRONG_TYPE
    if field.allowed and value not in field.allowed:
        return _NOT_ALLOWED
    return _OUT_OF_RANGE if field.bounds and not _is_within(field, value) else _NONE


def _is_within(field: Field, value: str) -> bool:
    if field.longest is not None:
        return len(value) <= field.longest
    number = float(value) if field.type == "double" else int(value)
    return (
        (field.least is None or number >= field.least)
        and (field.above is None or number > field.above)
        and (field.most is None or number <= field.most)
    )


def _detail(rule: int, field: Field, fields: dict[str, Any], line: bytes) -> str:
    """The field, its value as in the line, and what is allowed."""
    if rule == _MISSING and field.name not in fields:
        return field.name
    if rule == _OUT_OF_RANGE and field.longest is not None:
        return f"{field.name} of {len(fields[field.name])} characters, must be {field.bounds}"
    must = {_WRONG_TYPE: _IN_WORDS[field.type], _NOT_ALLOWED: "or ".join(_listed(field)), _OUT_OF_RANGE: field.bounds}
    field_text = f"{field.name}={shown(value_text(line, field.name))}"
    return field_text if rule == _MISSING else f"{field_text}, must be {must[rule]}"


def _listed(field: Field) -> tuple[str, ...]:
    *first, last = field.allowed or ("",)
    return (f"{', '.join(first)} ", last) if first else (last,)


def _is_integer(value: Any, bits: int) -> bool:
    if type(value) is not Number or not value.removeprefix("-").isdigit():
        return False
    return bool(-(2 ** (bits - 1)) <= int(value) < 2 ** (bits - 1))


def _is_long(value: Any) -> bool:
    return _is_integer(value, 64)


def _are(value: Any, is_one: Callable[[Any], bool]) -> bool:
    return type(value) is list and all(one is None or is_one(one) for one in value)


def _is_text(value: Any) -> bool:
    return type(value) is str


IS_OF_TYPE: dict[FieldType, Callable[[Any], bool]] = {
    "long": _is_long,
    "int": lambda value: _is_integer(value, 32),
    "double": lambda value: type(value) is Number and abs(float(value)) < float("inf"),
    "boolean": lambda value: type(value) is bool,
    "string": _is_text,
    "timestamp": lambda value: type(value) is str and is_time(value),
    "strings": lambda value: _are(value, _is_text),
    "longs": lambda value: _are(value, _is_long),
}
"""Whether a JSON value that is not null is of a field's type."""
