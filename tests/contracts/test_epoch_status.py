import json
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest

from contracts.epoch_status import PUBLISHED, ROLLED_BACK, STATUSES, Fate, Role, fate_of, role_of, withdrawn
from contracts.pointer import Canary, Pointer

ROOT = Path(__file__).resolve().parents[2]
ROLES: tuple[Role, ...] = ("stable", "canary", "previous", "unnamed")
EPOCHS = (1, 2, 3, 4)
AFTER = {
    # status: as the pointer's stable epoch, as its canary, as its previous one, unnamed
    "building": ("current", "canary", "previous", "bad"),
    "built": ("current", "canary", "previous", "bad"),
    "canary": ("current", "canary", "previous", "retired"),
    "current": ("current", "canary", "previous", "retired"),
    "previous": ("current", "canary", "previous", "retired"),
    "retired": ("current", "canary", "retired", "retired"),
    "bad": ("current", "canary", "bad", "bad"),
    "rolled_back": ("rolled_back", "rolled_back", "rolled_back", "rolled_back"),
}


def pointers() -> Iterator[Pointer | None]:
    """Every pointer over four epochs: with and without an epoch before, a canary, an arm that is held back."""
    yield None
    for stable, previous, canary in product(EPOCHS, (None, *EPOCHS), (None, *EPOCHS)):
        named = [epoch for epoch in (stable, previous, canary) if epoch is not None]
        if len(named) == len(set(named)):
            of = None if canary is None else Canary(canary, 0.1)
            for held in ((), *((("b", epoch),) for epoch in named)):
                yield Pointer(stable, previous, 7, of, held)


@pytest.mark.parametrize("status", STATUSES)
def test_what_follows_from_the_pointer(status: str) -> None:
    for role, after in zip(ROLES, AFTER[status], strict=True):
        is_named = role != "unnamed"
        assert fate_of(status, role, may_be_at_work=False) == Fate(after, keeps_keys=is_named)
        stays = status in ("building", "built") and not is_named
        expected = Fate(status if stays else after, keeps_keys=is_named or stays)
        assert fate_of(status, role, may_be_at_work=True) == expected


def test_an_epoch_without_a_row_goes_only_where_no_publish_can_be_at_work() -> None:
    for role in ROLES:
        assert fate_of(None, role, may_be_at_work=False) == Fate(None, keeps_keys=role != "unnamed")
        assert fate_of(None, role, may_be_at_work=True) == Fate(None, keeps_keys=True)


def test_under_every_pointer_what_is_served_keeps_its_keys_and_a_second_look_changes_nothing() -> None:
    seen = set()
    for pointer, epoch, status, at_work in product(pointers(), EPOCHS, STATUSES, (False, True)):
        role = role_of(epoch, pointer)
        seen.add((status, role, pointer is None))
        fate = fate_of(status, role, may_be_at_work=at_work)
        assert fate.status is not None
        assert fate == fate_of(fate.status, role, may_be_at_work=at_work)
        if pointer is not None and epoch in (pointer.stable, pointer.previous, pointer.canary and pointer.canary.epoch):
            assert fate.keeps_keys
        elif not at_work:
            assert not fate.keeps_keys
            assert fate.status in ("retired", "bad", "rolled_back")
        if fate.status in ("current", "canary"):
            assert fate.keeps_keys
        if status == ROLLED_BACK:
            assert fate.status == ROLLED_BACK
    assert len(seen) == len(STATUSES) * (len(ROLES) + 1)


def test_later_nights_build_on_what_was_served_or_may_have_been_and_was_not_taken_back() -> None:
    assert set(PUBLISHED) == {"built", "canary", "current", "previous", "retired"}
    assert ROLLED_BACK not in PUBLISHED


def test_withdrawing_leaves_the_others_and_never_one_that_was_rolled_back() -> None:
    bad_sets = [
        {epoch for epoch, is_bad in zip(EPOCHS, bits, strict=True) if is_bad} for bits in product((0, 1), repeat=4)
    ]
    for pointer, bad in product(pointers(), bad_sets):
        if pointer is None:
            continue
        left = withdrawn(pointer, bad, 0.0)
        good = set(pointer.named) - bad
        if left is None:
            assert not good
            continue
        assert set(left.named) == good
        assert (left == pointer) == (not bad & set(pointer.named))
        assert left == pointer or left.published_at > pointer.published_at
        assert pointer.stable in bad or left.stable == pointer.stable
        assert set(dict(left.held).values()) <= good
        assert withdrawn(left, bad, 0.0) == left


def test_where_the_stable_one_goes_the_one_before_follows_then_the_canary() -> None:
    pointer = Pointer(3, 2, 7, Canary(4, 0.1))
    assert withdrawn(pointer, {3}, 9) == Pointer(2, None, 9, Canary(4, 0.1))
    assert withdrawn(pointer, {3, 2}, 9) == Pointer(4, None, 9)
    assert withdrawn(pointer, {4}, 9) == Pointer(3, 2, 9)
    assert withdrawn(pointer, {2}, 9) == Pointer(3, None, 9, Canary(4, 0.1))
    assert withdrawn(pointer, {2, 3, 4}, 9) is None


def test_gate_and_ddl_name_the_same_statuses() -> None:
    suite = json.loads((ROOT / "expectations/gold/epochs.json").read_text())
    (values,) = [rule["kwargs"]["value_set"] for rule in suite["expectations"] if "value_set" in rule["kwargs"]]
    assert values == list(STATUSES)
    assert f"'{', '.join(STATUSES)}, see contracts/epoch_status.py'" in (ROOT / "sql/gold/epochs/ddl.sql").read_text()


def test_nobody_else_lists_statuses() -> None:
    listed = [
        str(path.relative_to(ROOT))
        for path in (ROOT / "spark_jobs").rglob("*.py")
        if any(f'"{name}"' in path.read_text() for name in ("retired", "rolled_back", "previous"))
    ]
    assert listed == []
