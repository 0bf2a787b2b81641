"""Both sides of a cross exist and have the same length."""

import pytest

from contracts.features import CROSSES, Cross, places_of


@pytest.mark.parametrize("cross", CROSSES, ids=lambda cross: cross.name)
def test_both_sides_have_as_many_numbers(cross: Cross) -> None:
    assert len(places_of("user", cross.user)) == len(places_of("post", cross.post)) > 1


def test_names_are_told_apart() -> None:
    assert len({cross.name for cross in CROSSES}) == len(CROSSES)
