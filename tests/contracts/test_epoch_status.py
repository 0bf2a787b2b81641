import json
from pathlib import Path

import pytest

from contracts.epoch_status import PUBLISHED, ROLLED_BACK, STATUSES, standing, status_under
from contracts.epochs import Pointer

ROOT = Path(__file__).resolve().parents[2]
AFTER = {
    # status: as the pointer's stable epoch, as its previous one, unnamed
    "building": ("current", "previous", "bad"),
    "built": ("current", "previous", "bad"),
    "current": ("current", "previous", "retired"),
    "previous": ("current", "previous", "retired"),
    "retired": ("current", "retired", "retired"),
    "bad": ("current", "bad", "bad"),
    "rolled_back": ("rolled_back", "rolled_back", "rolled_back"),
}


@pytest.mark.parametrize("status", STATUSES)
def test_what_follows_from_the_pointer(status: str) -> None:
    pointer = Pointer(3, 2, 0)
    assert tuple(status_under(pointer, epoch, status) for epoch in (3, 2, 1)) == AFTER[status]
    assert status_under(None, 3, status) == AFTER[status][2]


def test_later_nights_build_on_what_was_served_or_may_have_been_and_was_not_taken_back() -> None:
    assert set(PUBLISHED) == {"built", "current", "previous", "retired"}
    assert ROLLED_BACK not in PUBLISHED


def test_what_stands_of_a_pointer() -> None:
    assert standing(None, ()) == []
    assert standing(Pointer(3, 2, 0), ()) == [3, 2]
    assert standing(Pointer(3, None, 0), {2}) == [3]
    assert standing(Pointer(3, 2, 0), {3}) == [2]
    assert standing(Pointer(3, 2, 0), {3, 2}) == []


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
