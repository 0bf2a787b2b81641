"""The list of heads is the only one: columns, rules, weights and metrics of a head follow from it."""

import json
import re
from dataclasses import fields
from pathlib import Path

import pytest

from contracts.heads import BINARY_HEADS, HEADS, LABEL_COLUMNS, RELEVANT_HEADS, SCORE_COLUMNS
from contracts.landing import ENGAGEMENT_TYPES
from contracts.settings import ValueWeights

ROOT = Path(__file__).resolve().parents[2]


def _float_columns(table: str) -> list[str]:
    ddl = (ROOT / "sql" / table.replace(".", "/") / "ddl.sql").read_text()
    return re.findall(r"^  (\w+) FLOAT", ddl, flags=re.MULTILINE)


def test_names_and_columns_are_those_of_the_lake() -> None:
    assert SCORE_COLUMNS == ("p_like", "p_comment", "p_share", "p_hide", "p_report", "dwell_s")
    labels = [column for column in _float_columns("gold.training_examples") if column.startswith("label_")]
    assert labels == list(LABEL_COLUMNS)
    scores = [column for column in _float_columns("gold.scored_candidates") if column != "value_score"]
    assert scores == list(SCORE_COLUMNS)


@pytest.mark.parametrize(
    ("table", "columns"), [("training_examples", LABEL_COLUMNS), ("scored_candidates", SCORE_COLUMNS)]
)
def test_the_suites_hold_each_head_to_its_bounds(table: str, columns: tuple[str, ...]) -> None:
    suite = json.loads((ROOT / "expectations" / "gold" / f"{table}.json").read_text())
    checked = {item["kwargs"].get("column") for item in suite["expectations"]}
    assert set(columns) <= checked


def test_a_check_names_each_score() -> None:
    checks = (ROOT / "sql/gold/scored_candidates/checks.sql").read_text()
    assert [column for column in SCORE_COLUMNS if f"{column} IS NULL" not in checks] == []


def test_each_head_has_its_own_weight_in_the_value_score() -> None:
    weights = [item.name for item in fields(ValueWeights)]
    assert [weight for weight in weights if weight in {head.value_weight for head in HEADS}] == weights[: len(HEADS)]
    assert len({head.value_weight for head in HEADS}) == len(HEADS)


def test_each_binary_head_is_an_engagement_that_may_arrive() -> None:
    assert set(BINARY_HEADS) <= set(ENGAGEMENT_TYPES)


def test_all_heads_teach_and_positive_ones_are_relevant() -> None:
    weights = ValueWeights()
    assert all(head.task_weight > 0 for head in HEADS)
    assert {head.name for head in RELEVANT_HEADS} == {
        head.name for head in HEADS if head.is_binary and getattr(weights, head.value_weight) > 0
    }
