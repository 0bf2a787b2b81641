from dataclasses import replace
from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from contracts.features import example_columns, schema_hash
from models.registry import ModelRow, forget, mark, register
from tests.model_examples import read_models

ROW = ModelRow(
    model_version="0123456789abcdef",
    ds=date(2026, 3, 8),
    preset="tiny",
    stage="candidate",
    feature_schema=schema_hash(),
    features=example_columns(),
    examples_version=4,
    training_partitions=("2026-03-01", "2026-03-02"),
    num_examples=1000,
    metrics="{}",
    code_revision="unknown",
    path="models/0123456789abcdef",
    role="heavy",
)


def _rows(lake_root: Path) -> list[tuple[str, date, int]]:
    return [(row["model_version"], row["ds"], row["examples_version"]) for row in read_models(lake_root)]


def test_a_rerun_of_an_unchanged_night_leaves_the_row_as_it_is(tmp_path: Path) -> None:
    assert register(tmp_path, ROW)
    assert not register(tmp_path, replace(ROW, examples_version=5))
    assert _rows(tmp_path) == [(ROW.model_version, ROW.ds, 4)]
    assert DeltaTable(str(tmp_path / "gold" / "models")).version() == 1


def test_another_model_replaces_the_nights_row_and_no_other(tmp_path: Path) -> None:
    before = replace(ROW, ds=date(2026, 3, 7))
    register(tmp_path, before)
    register(tmp_path, ROW)
    assert register(tmp_path, replace(ROW, model_version="f" * 16, examples_version=6))
    assert _rows(tmp_path) == [(ROW.model_version, before.ds, 4), ("f" * 16, ROW.ds, 6)]


def test_metrics_must_be_json_without_nan(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="metrics hold NaN"):
        register(tmp_path, replace(ROW, metrics='{"auc": NaN}'))


def test_each_role_has_its_own_row_of_a_night(tmp_path: Path) -> None:
    light = replace(ROW, role="light")
    assert register(tmp_path, ROW)
    assert register(tmp_path, light), "the same model may have two roles"
    assert register(tmp_path, replace(light, model_version="f" * 16))
    found = {(row["role"], row["model_version"]) for row in read_models(tmp_path)}
    assert found == {("heavy", ROW.model_version), ("light", "f" * 16)}
    forget(tmp_path, ROW.ds, "light")
    assert [row["role"] for row in read_models(tmp_path)] == ["heavy"]


def test_a_row_from_before_there_were_roles_is_heavy(tmp_path: Path) -> None:
    register(tmp_path, replace(ROW, role="light"))
    path = str(tmp_path / "gold" / "models")
    columns = {name: [None if name == "role" else value] for name, value in vars(ROW).items()}
    old = pa.table(columns).cast(pa.schema(DeltaTable(path).schema().to_arrow()))
    write_deltalake(path, old, mode="append")
    assert not register(tmp_path, ROW)
    assert register(tmp_path, replace(ROW, model_version="f" * 16))
    found = [(row["role"], row["model_version"]) for row in read_models(tmp_path)]
    assert found == [("light", ROW.model_version), ("heavy", "f" * 16)]


def test_an_unknown_role_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="unknown role 'huge'; roles are heavy, light, trial"):
        register(tmp_path, replace(ROW, role="huge"))


def test_a_model_is_marked_by_night_and_role_and_a_rerun_of_training_keeps_the_mark(tmp_path: Path) -> None:
    before, light = replace(ROW, ds=date(2026, 3, 7)), replace(ROW, role="light")
    for row in (before, ROW, light):
        register(tmp_path, row)
    mark(tmp_path, ROW.ds, "heavy", "rejected", "it's worse")
    assert not register(tmp_path, ROW)
    found = {(row["ds"], row["role"]): (row["stage"], row["reason"]) for row in read_models(tmp_path)}
    assert found == {
        (before.ds, "heavy"): ("candidate", None),
        (ROW.ds, "heavy"): ("rejected", "it's worse"),
        (ROW.ds, "light"): ("candidate", None),
    }
