"""One check of a night's pools: a measured value and its threshold."""

from collections.abc import Callable
from dataclasses import dataclass
from operator import ge, le
from typing import Any

from pyspark.sql import DataFrame


@dataclass(frozen=True)
class Check:
    """One measured value; without a threshold, ``passed`` is true."""

    name: str
    value: float | None
    threshold: float | None
    passed: bool


def at_least(name: str, value: float | None, threshold: float) -> Check:
    """A check that fails below ``threshold``, or if there is no value."""
    return _check(name, value, threshold, ge)


def at_most(name: str, value: float | None, threshold: float) -> Check:
    """A check that fails above ``threshold``, or if there is no value."""
    return _check(name, value, threshold, le)


def report_only(name: str, value: float | None) -> Check:
    """A check without a threshold: its value is only reported."""
    return Check(name, value, None, passed=True)


def _check(name: str, value: float | None, threshold: float, holds: Callable[[float, float], bool]) -> Check:
    return Check(name, value, threshold, passed=value is not None and holds(value, threshold))


def only_row(frame: DataFrame) -> dict[str, Any]:
    """The row of an aggregate without groups, by name."""
    first = frame.first()
    assert first is not None, "an aggregate without groups has one row"
    return first.asDict()
