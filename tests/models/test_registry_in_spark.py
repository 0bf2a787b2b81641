from pathlib import Path

import pytest

pytest.importorskip("delta", reason="Spark lives in the lake environment")

from contracts.pipeline import BY_NAME
from models.registry import register
from spark_jobs.night.ddl import read_schema
from spark_jobs.night.gate.rows import OnSpark
from spark_jobs.night.gate.suites import expect, load_suite
from spark_jobs.night.lake import Lake
from tests.models.test_registry import ROW


@pytest.mark.parametrize("created_by_spark", [True, False])
def test_spark_reads_the_row_under_the_tables_schema(lake: Lake, created_by_spark: bool) -> None:
    if created_by_spark:
        lake.create("gold.models")
    register(Path(lake.root), ROW)
    assert not register(Path(lake.root), ROW)
    frame = lake.read("gold.models")
    shape = [(field.name, field.dataType.simpleString()) for field in frame.schema]
    assert shape == [(field.name, field.dataType.simpleString()) for field in read_schema("gold.models")]
    (row,) = frame.collect()
    assert {name: tuple(value) if isinstance(value, list) else value for name, value in row.asDict().items()} == vars(
        ROW
    )
    assert lake.rows_written("gold.models", 0) == 1
    results = expect(OnSpark(frame), load_suite(BY_NAME["gold.models"]), frame.count())
    assert [result["expectation"] for result in results if not result["success"]] == ["column_values_to_match_regex"]
