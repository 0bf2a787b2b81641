"""Read a landing line as strict JSON: only what RFC 8259 and ``contracts.json_limits`` allow.

Python's JSON reader is lenient in three ways, which are refused here: it accepts NaN and Infinity, lets the last of
two equal keys win, and keeps half of a surrogate pair as if it were a character.
"""

import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import Any

from contracts.json_limits import MAX_DIGITS, MAX_LEVELS, MAX_NAME_UNITS, MAX_TEXT_UNITS
from contracts.lines.json_problems import Problem, bad_encoding, bad_syntax, shown

_STRING = r'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)'
"""A text, also one without an end: otherwise the search would start again at every quote inside it."""
_BRACKETS = re.compile(rf"{_STRING}|[\[\]{{}}]", re.DOTALL)
_CONSTANTS = re.compile(rf"{_STRING}|NaN|-?Infinity", re.DOTALL)
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_BLANKS = re.compile(r"[ \t\n\r]*")
_FEW_LEVELS = 200
"""Levels that Python reads within its usual recursion limit, however deep the caller's stack is."""


class Number(str):
    """A JSON number, with its digits as in the line."""

    __slots__ = ()


class _ConstantError(ValueError):
    """The line holds NaN or Infinity."""


class _Reader:
    """A JSON decoder that remembers the first key that an object names twice."""

    def __init__(self) -> None:
        self.twice: str | None = None
        self.decoder = json.JSONDecoder(
            object_pairs_hook=self._object, parse_int=Number, parse_float=Number, parse_constant=self._constant
        )

    def read(self, text: str) -> Any:
        self.twice = None
        return self.decoder.decode(text)

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        fields = dict(pairs)
        if len(fields) < len(pairs) and self.twice is None:
            seen: set[str] = set()
            self.twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        return fields

    @staticmethod
    def _constant(name: str) -> None:
        raise _ConstantError(name)


_READER = _Reader()


def read_json(line: bytes) -> tuple[Any, Problem | None]:
    """The JSON value of ``line``, with numbers as ``Number``, and its problem as JSON.

    The value is None if the line is not JSON.
    """
    try:
        text = line.decode()
    except UnicodeDecodeError as error:
        return None, Problem("not_utf8", bad_encoding(line, error.start))
    levels = _levels(text)
    if levels > MAX_LEVELS:  # checked before the text is read: no reader gets to its end
        return None, Problem("beyond_limits", f"nested {levels:,} levels deep, must be at most {MAX_LEVELS:,}")
    try:
        with _room_for(levels):
            value = _READER.read(text)
            return value, _beyond_limits(value, text) or _key_twice(text) or _lone_surrogate(value, text)
    except json.JSONDecodeError as error:
        return None, Problem("malformed_json", bad_syntax(text, error.msg, error.pos))
    except _ConstantError:
        place = next(match.start() for match in _CONSTANTS.finditer(text) if not match[0].startswith('"'))
        return None, Problem("malformed_json", bad_syntax(text, "Expecting value", place))


def value_text(line: bytes, name: str) -> str:
    """The value of the field ``name``, as in the line; empty if there is none."""
    text = line.decode()
    with _room_for(_levels(text)):
        return next((value for key, _, value in _members(text) if key == name), "")


@contextmanager
def _room_for(levels: int) -> Iterator[None]:
    """Raise Python's recursion limit so that its reader can go ``levels`` deep."""
    limit = sys.getrecursionlimit()
    if levels > _FEW_LEVELS:
        sys.setrecursionlimit(limit + 2 * MAX_LEVELS)
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)


def _levels(text: str) -> int:
    """Depth of nested objects and lists; 0 if it is surely small."""
    if text.count("[") + text.count("{") <= _FEW_LEVELS:
        return 0
    level = deepest = 0
    for bracket in _BRACKETS.finditer(text):
        if bracket[0] in "[{":
            level += 1
            deepest = max(deepest, level)
        elif bracket[0] in "]}":
            level -= 1
    return deepest


def _beyond_limits(value: Any, text: str) -> Problem | None:
    if len(text) <= MAX_DIGITS:
        return None
    for field, one in _scalars(value):
        what, size, most = _size(one)
        if size > most:
            of = f"{shown(field)}: " if field else ""
            return Problem("beyond_limits", f"{of}{what.format(f'{size:,}')}, must be at most {most:,}", field or None)
    return None


def _size(one: str) -> tuple[str, int, int]:
    if isinstance(one, Number):
        return "a number of {} digits", sum(map(str.isdigit, one)), MAX_DIGITS
    units = len(one) + (sum(character > "\uffff" for character in one) if 2 * len(one) > MAX_NAME_UNITS else 0)
    if isinstance(one, _Name):
        return "a name of {} characters", units, MAX_NAME_UNITS
    return "a text of {} characters", units, MAX_TEXT_UNITS


class _Name(str):
    """A key of an object."""

    __slots__ = ()


def _scalars(value: Any) -> Iterator[tuple[str, str]]:
    """Every number, text and name within ``value``, with the field of the line's object that holds it."""
    waiting: list[tuple[str, Any]] = [("", value)]
    while waiting:
        field, one = waiting.pop()
        if isinstance(one, dict):
            for name, inner in one.items():
                yield field or name, _Name(name)
                waiting.append((field or name, inner))
        elif isinstance(one, list):
            waiting.extend((field, inner) for inner in one)
        elif isinstance(one, str):
            yield field, one


def _key_twice(text: str) -> Problem | None:
    if _READER.twice is None:
        return None
    # JSON escapes show which half of a surrogate pair is missing.
    return Problem("duplicate_key", shown(json.dumps(_READER.twice, ensure_ascii=_SURROGATE.search(text) is not None)))


def _lone_surrogate(value: Any, text: str) -> Problem | None:
    if _SURROGATE.search(text) is None:
        return None
    halves = next((field for field, one in _scalars(value) if not is_whole(one)), None)
    if halves is None:
        return None
    raw_name, raw_value = next(((name, raw) for key, name, raw in _members(text) if key == halves), ("", text))
    if not is_whole(halves):
        return Problem("lone_surrogate", f"the name {shown(raw_name)}")
    return Problem("lone_surrogate", f"{halves}={shown(raw_value)}" if raw_name else shown(text), halves or None)


def is_whole(text: str | None) -> bool:
    """Whether a text has no half of a surrogate pair; None has none."""
    try:
        (text or "").encode()
    except UnicodeEncodeError:
        return False
    return True


def _members(text: str) -> Iterator[tuple[str, str, str]]:
    """Each field of the object in ``text``: its name, and name and value as in the text."""
    at = _skip(text, 0)
    if text[at] != "{":
        return
    at = _skip(text, at + 1)
    while text[at] != "}":
        name, end = scanstring(text, at + 1, True)  # noqa: FBT003
        begin = _skip(text, _skip(text, end) + 1)
        _, after = _READER.decoder.raw_decode(text, begin)
        yield name, text[at:end], text[begin:after]
        at = _skip(text, after)
        if text[at] == ",":
            at = _skip(text, at + 1)


def _skip(text: str, at: int) -> int:
    blanks = _BLANKS.match(text, at)
    assert blanks is not None
    return blanks.end()
