"""Check given values one by one against the kind of their setting."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from contracts.settings.kinds import Kind, show
from contracts.settings.problems import suggestion

_LONGEST_KEY = 80


@dataclass(frozen=True)
class Given:
    """A value for ``key``, for example ``pool.size``; ``source`` is the file or the option that gave it."""

    key: str
    value: Any
    source: str


def accept(given: Iterable[Given], kinds: Mapping[str, Kind], problems: list[str]) -> dict[str, Given]:
    """The allowed values of ``given`` by key, the last one of each key; the others are added to ``problems``."""
    accepted: dict[str, Given] = {}
    for one in given:
        kind = kinds.get(one.key)
        if kind is None:
            problems.append(f"{one.source}: unknown {key_and_value(one)}; {suggestion(one.key, list(kinds))}")
            continue
        try:
            accepted[one.key] = Given(one.key, kind.accept(one.value), one.source)
        except ValueError as error:
            problems.append(f"{one.source}: {one.key} = {show(one.value)}: {error}")
    return accepted


def key_and_value(one: Given) -> str:
    """An unknown key and its value, for a message."""
    key = one.key if len(one.key) <= _LONGEST_KEY else f"{one.key[:_LONGEST_KEY]}…"
    return f"key {key!r} = {show(one.value)}"
