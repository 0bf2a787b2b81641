"""Kinds of settings: allowed values and messages."""

import math
from datetime import date, datetime
from typing import Any

import pytest

from contracts.settings.kinds import Bounds, Kind, OneOf, show, toml_of


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 10**400, True, "1", None])
def test_a_fraction_without_bounds_is_a_finite_number_all_the_same(value: Any) -> None:
    with pytest.raises(ValueError, match=r"^allowed is a number$"):
        Kind(float).accept(value)


def test_bounds_hold_their_ends_or_not() -> None:
    closed, inner = Bounds(0, 1), Bounds(0, 1, inside=True)
    assert [closed.allows(value) for value in (-0.1, 0, 0.5, 1, 1.1)] == [False, True, True, True, False]
    assert [inner.allows(value) for value in (-0.1, 0, 0.5, 1, 1.1)] == [False, False, True, False, False]
    assert (str(closed), str(inner), str(Bounds(0.5, 2_000))) == (
        "from 0 to 1",
        "above 0 and below 1",
        "from 0.5 to 2,000",
    )


def test_what_is_allowed_is_said_in_words() -> None:
    words = OneOf(("a", "b"))
    assert [Kind(kind, limit).allowed for kind, limit in ((bool, None), (str, words), (tuple, words), (str, None))] == [
        "true or false",
        "one of a, b",
        "a list of one or more of a, b",
        "a text that is not empty",
    ]
    assert Kind(date).accept(date(2026, 3, 8)) == date(2026, 3, 8)
    with pytest.raises(ValueError, match="allowed is a date such as 2026-03-08"):
        Kind(date).accept(datetime(2026, 3, 8))  # noqa: DTZ001 - as TOML gives a local time


def test_a_value_is_shown_as_toml_and_a_long_one_is_cut() -> None:
    assert toml_of(["a", True, 1, 0.5, date(2026, 3, 8)]) == '["a", true, 1, 0.5, 2026-03-08]'
    assert toml_of('"\\\n\x7f\U0001f600\U000e0001') == '"\\"\\\\\\u000a\\u007f\U0001f600\\U000e0001"'
    assert show("x" * 200) == f'"{"x" * 79}…'
