"""A gate gives the same verdict without and with Spark: for every rule, kept and broken."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest

from contracts.pipeline import BY_NAME
from contracts.run_records import RuleResult, TableVerdict
from spark_jobs.night.gate import checks, suites
from spark_jobs.night.gate.gate import run_gate
from spark_jobs.night.night import Night
from tests.random_tables import random_table, write_table

pytestmark = pytest.mark.slow

WORLDS = ((120, 6), (120, 8), (0, 0))
"""Rows of each table, and their seed: together they break every rule."""

ALL = 10_000
ACROSS = "cross-table rule"


def judged(night: Night, name: str, in_memory_mb: int) -> TableVerdict:
    settings = replace(night.settings, gate_in_memory_mb=in_memory_mb)
    return run_gate(replace(night, settings=settings), name)


def comparable(result: RuleResult) -> dict[str, Any]:
    """The result; what a query returns has no order."""
    if result["why"] != ACROSS:
        return {**result}
    head, _, rows = result["message"].partition("[")
    return {**result, "message": head, "rows": sorted(re.findall(r"\{.*?\}", rows))}


def test_gates_agree(make_night: Callable[..., Night], monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (checks, suites):
        monkeypatch.setattr(module, "NUM_EXAMPLES", ALL)
    monkeypatch.setattr(suites, "LONGEST_EXAMPLE", 10**9)
    night = make_night()
    was_broken: dict[tuple[object, ...], bool] = {}
    for num_rows, seed in WORLDS:
        for name in BY_NAME:
            write_table(night.lake.path(name), random_table(name, night.ds, num_rows, seed), name)
        num_broken = num_shown = 0
        for name in BY_NAME:
            fast, slow = judged(night, name, ALL), judged(night, name, 0)
            assert (fast["success"], fast["rows_checked"]) == (slow["success"], slow["rows_checked"])
            for at, (found, expected) in enumerate(zip(fast["results"], slow["results"], strict=True)):
                assert comparable(found) == comparable(expected), name
                key = (name, at, found["expectation"], found["column"])
                was_broken[key] = was_broken.get(key, False) or not found["success"]
                num_broken += not found["success"]
                num_shown += found["unexpected_count"]
        print(f"{len(BY_NAME)} tables of {num_rows} rows: {num_broken} rules broken by {num_shown:,} rows, all agree")
    kept = [key for key, was in was_broken.items() if not was and key[2] != "finite_numbers"]
    print(f"{len(was_broken)} rules; never broken: {kept}")
    assert not kept


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_rows_with_no_number_are_judged_by_spark(make_night: Callable[..., Night], value: float) -> None:
    name = "gold.propensities"
    night = make_night()
    table = random_table(name, night.ds, 50, seed=1)
    at = table.column_names.index("examined")
    wrong = table.set_column(at, table.schema.field(at), pa.array([value, *table["examined"].to_pylist()[1:]]))
    write_table(night.lake.path(name), wrong, name)
    fast, slow = judged(night, name, ALL), judged(night, name, 0)
    of_rows = [[result for result in verdict["results"] if result["why"] != ACROSS] for verdict in (fast, slow)]
    assert of_rows[0] == of_rows[1]
    assert {result["expectation"]: result["unexpected_count"] for result in fast["results"]}["finite_numbers"] == 1
