"""Types and bounds of settings; a field declares its bounds: ``size: Annotated[int, Bounds(1, 5_000)] = 100``."""

import math
from dataclasses import dataclass, fields
from datetime import date
from functools import cache
from types import UnionType
from typing import Annotated, Any, TypeAlias, get_args, get_origin, get_type_hints

_SHOWN = 80
"""Characters of a refused value that a message shows."""


@dataclass(frozen=True)
class Bounds:
    """A number from ``least`` to ``most``; with ``inside``, both ends excluded."""

    least: float
    most: float
    inside: bool = False

    def allows(self, value: float) -> bool:
        """Whether the number lies within the bounds."""
        if self.inside:
            return self.least < value < self.most
        return self.least <= value <= self.most

    def __str__(self) -> str:
        """The bounds in words."""
        words = ("above", "and below") if self.inside else ("from", "to")
        return f"{words[0]} {_number(self.least)} {words[1]} {_number(self.most)}"


@dataclass(frozen=True)
class OneOf:
    """One of some words; for a list, each entry is one of them."""

    words: tuple[str, ...]


Limit: TypeAlias = Bounds | OneOf | None

Share = Annotated[float, Bounds(0, 1)]
InnerShare = Annotated[float, Bounds(0, 1, inside=True)]
Count = Annotated[int, Bounds(1, 1_000_000_000)]
CountOrNone = Annotated[int, Bounds(0, 1_000_000_000)]
Days = Annotated[int, Bounds(1, 3_650)]
DaysOrNone = Annotated[int, Bounds(0, 3_650)]
Hours = Annotated[int, Bounds(1, 87_600)]
Milliseconds = Annotated[int, Bounds(1, 86_400_000)]
Seconds = Annotated[float, Bounds(0, 86_400)]
SomeSeconds = Annotated[float, Bounds(0, 86_400, inside=True)]
Positive = Annotated[float, Bounds(0, 1_000_000, inside=True)]
Gain = Annotated[float, Bounds(0, 1_000_000)]
Loss = Annotated[float, Bounds(-1_000_000, 0)]
Decay = Annotated[float, Bounds(0, 100)]


@dataclass(frozen=True)
class Kind:
    """Type and limit of one setting."""

    type: type
    limit: Limit = None

    @property
    def allowed(self) -> str:
        """What is allowed, in words."""
        words = ", ".join(word or '""' for word in self.limit.words) if isinstance(self.limit, OneOf) else ""
        if self.type is bool:
            return "true or false"
        if self.type in (int, float):
            return f"a {'whole ' if self.type is int else ''}number {self.limit or ''}".rstrip()
        if self.type is date:
            return "a date such as 2026-03-08"
        if self.type is tuple:
            return f"a list of one or more of {words}"
        return f"one of {words}" if words else "a text that is not empty"

    def accept(self, value: Any) -> Any:
        """``value`` converted to the setting's type; raises ``ValueError`` if it is not allowed."""
        if self.type is float and type(value) is int:
            value = _float_of(value)
        elif self.type is tuple and type(value) is list:
            value = tuple(value)
        if type(value) is not self.type or not self._allows(value):
            raise ValueError(f"allowed is {self.allowed}")
        return 0.0 if self.type is float and value == 0 else value  # not -0.0, which has another hash

    def _allows(self, value: Any) -> bool:
        if self.type is float and not math.isfinite(value):
            return False
        if isinstance(self.limit, Bounds):
            return self.limit.allows(value)
        if self.type is tuple:
            words = self.limit.words if isinstance(self.limit, OneOf) else ()
            return 0 < len(value) == len({word for word in value if type(word) is str and word in words})
        if isinstance(self.limit, OneOf):
            return bool(value in self.limit.words)
        return value is not None and value != ""


def _float_of(value: int) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf


@cache
def kinds_of(section: Any) -> dict[str, Kind]:
    """The kind of each field of a dataclass whose fields are plain values; ``date | None`` is a date."""
    hints = get_type_hints(section, include_extras=True)
    return {item.name: _kind(hints[item.name]) for item in fields(section)}


def _kind(hint: Any) -> Kind:
    limit: Limit = None
    if get_origin(hint) is Annotated:
        hint, limit = get_args(hint)
    if isinstance(hint, UnionType):
        hint = next(part for part in get_args(hint) if part is not type(None))
    return Kind(get_origin(hint) or hint, limit)


def _number(value: float) -> str:
    return f"{int(value):,}" if value == int(value) else f"{value:g}"


def show(value: Any) -> str:
    """A value for a message: as TOML writes it, cut if it is long."""
    text = toml_of(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def toml_of(value: Any) -> str:
    """A value as TOML writes it, or as Python does if TOML has no such value."""
    if type(value) is bool:
        return str(value).lower()
    if isinstance(value, str):
        return '"' + "".join(_escaped(char) for char in value) + '"'
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(toml_of, value))}]"
    if isinstance(value, date):
        return value.isoformat()
    try:
        return repr(value)
    except ValueError:  # Python writes no integer of thousands of digits
        return "a number of thousands of digits"


def _escaped(char: str) -> str:
    if char in '"\\':
        return f"\\{char}"
    return char if char.isprintable() else f"\\U{ord(char):08x}" if ord(char) > 0xFFFF else f"\\u{ord(char):04x}"  # noqa: PLR2004
