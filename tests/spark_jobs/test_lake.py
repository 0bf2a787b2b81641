from datetime import UTC, date, datetime

import pytest
from pyspark.sql import DataFrame, SparkSession

from contracts.pipeline import BY_NAME
from spark_jobs.lake import Lake, checksum, merge_by_key, read_schema, write_partition

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def pages(lake: Lake, *rows: tuple[int, str, datetime]) -> DataFrame:
    schema = read_schema("silver.pages")
    return lake.spark.createDataFrame([(page, 1, name, at, at) for page, name, at in rows], schema)


def quarantined(lake: Lake, *rows: tuple[int, date]) -> DataFrame:
    schema = read_schema("bronze.quarantine")
    return lake.spark.createDataFrame(
        [("w", "f", line, None, None, "r", None, "raw", day) for line, day in rows], schema
    )


def test_every_table_has_a_ddl_with_grain_and_its_keys(spark: SparkSession) -> None:
    assert spark.version
    for name, table in BY_NAME.items():
        columns = read_schema(name).fieldNames()
        assert set(table.keys) <= set(columns), name
        assert table.partition is None or table.partition in columns


def test_merge_inserts_new_keys_and_updates_only_when_told(lake: Lake) -> None:
    later = NOON.replace(hour=13)
    merge_by_key(lake, "silver.pages", pages(lake, (1, "old", NOON)), "new.updated_at > old.updated_at")
    update = pages(lake, (1, "new", later), (2, "two", NOON))
    for _ in range(2):
        merge_by_key(lake, "silver.pages", update, "new.updated_at > old.updated_at")
    stale = pages(lake, (1, "stale", NOON))
    merge_by_key(lake, "silver.pages", stale, "new.updated_at > old.updated_at")
    rows = {row.page_id: row.name for row in lake.read("silver.pages").collect()}
    assert rows == {1: "new", 2: "two"}


def test_write_partition_replaces_only_the_named_days(lake: Lake) -> None:
    one, two = date(2026, 3, 1), date(2026, 3, 2)
    write_partition(lake, "bronze.quarantine", quarantined(lake, (1, one), (2, two)), [one, two])
    for _ in range(2):
        write_partition(lake, "bronze.quarantine", quarantined(lake, (3, two)), [two])
    assert {(row.line, row.landing_date) for row in lake.read("bronze.quarantine").collect()} == {(1, one), (3, two)}


def test_write_partition_refuses_a_row_outside_and_keeps_the_table(lake: Lake) -> None:
    one, two = date(2026, 3, 1), date(2026, 3, 2)
    write_partition(lake, "bronze.quarantine", quarantined(lake, (1, one)), [one])
    with pytest.raises(Exception, match=r"(?i)replaceWhere|constraint|does not conform"):
        write_partition(lake, "bronze.quarantine", quarantined(lake, (2, two)), [one])
    assert lake.read("bronze.quarantine").count() == 1


def test_a_frame_that_differs_from_the_ddl_is_refused_by_column(lake: Lake) -> None:
    frame = pages(lake, (1, "a", NOON)).drop("name").selectExpr("*", "1 as surprise")
    with pytest.raises(ValueError, match=r"silver/pages/ddl.sql: missing name; unexpected surprise"):
        merge_by_key(lake, "silver.pages", frame, None)


def test_checksum_ignores_row_order_and_sees_a_changed_value(lake: Lake) -> None:
    rows = ((1, "a", NOON), (2, "b", NOON))
    assert checksum(pages(lake, *rows)) == checksum(pages(lake, *reversed(rows)).repartition(3))
    assert checksum(pages(lake, *rows)) != checksum(pages(lake, (1, "a", NOON), (2, "c", NOON)))


def test_unknown_table_is_named(lake: Lake) -> None:
    with pytest.raises(ValueError, match=r"unknown table 'silver\.nothing'"):
        lake.read("silver.nothing")
