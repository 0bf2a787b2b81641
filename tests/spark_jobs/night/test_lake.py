from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from contracts.pipeline import BY_NAME
from contracts.settings import Settings
from spark_jobs.night import ddl, writers
from spark_jobs.night.ddl import read_schema
from spark_jobs.night.lake import Lake, checksum
from spark_jobs.night.night import Night
from spark_jobs.night.writers import append_rows, delete_all, delete_by_key, merge_by_key, write_partition

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def pages(lake: Lake, *rows: tuple[int, str, datetime]) -> DataFrame:
    schema = read_schema("silver.pages")
    known = {"owner_id": 1, "event_id": "e", "city": "Ulm", "tags": ["a"]}
    given = [{"page_id": page, "name": name, "updated_at": at, "received_at": at} for page, name, at in rows]
    return lake.spark.createDataFrame([tuple((known | row)[name] for name in schema.names) for row in given], schema)


def quarantined(lake: Lake, *rows: tuple[int, date]) -> DataFrame:
    schema = read_schema("bronze.quarantine")
    return lake.spark.createDataFrame(
        [("w", "f", line, None, None, "r", None, "raw", day, None, None, None) for line, day in rows], schema
    )


def test_rows_go_by_what_is_in_some_of_their_columns(lake: Lake) -> None:
    day, other = date(2026, 3, 1), date(2026, 3, 2)
    append_rows(lake, "bronze.quarantine", quarantined(lake, (1, day), (2, day), (2, other), (3, other)))

    def left() -> list[tuple[int, date]]:
        return sorted((row.line, row.landing_date) for row in lake.read("bronze.quarantine").collect())

    deleted = quarantined(lake, (2, day), (2, day), (9, day)).select("landing_date", "line")
    delete_by_key(lake, "bronze.quarantine", deleted)
    assert left() == [(1, day), (2, other), (3, other)]
    delete_all(lake, "bronze.quarantine", F.col("line") > 2)
    assert left() == [(1, day), (2, other)]
    delete_all(lake, "bronze.quarantine")
    assert left() == []


def test_every_table_has_a_ddl_with_grain_and_its_keys(spark: SparkSession) -> None:
    assert spark.version
    for name, table in BY_NAME.items():
        columns = read_schema(name).fieldNames()
        assert set(table.keys) <= set(columns), name
        assert table.partition is None or table.partition in columns


def test_every_column_is_described(spark: SparkSession) -> None:
    assert spark.version
    columns = [(name, column) for name in BY_NAME for column in read_schema(name)]
    assert len(columns) > 300
    assert [f"{name}.{column.name}" for name, column in columns if not column.metadata.get("comment")] == []


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
    # One row was appended, one updated and one inserted; those that a merge copied were not written.
    assert lake.rows_written("silver.pages", -1) == 3
    assert lake.rows_written("silver.pages", 1) == 2
    assert lake.rows_written("silver.pages", lake.last_version("silver.pages")) == 0


def test_write_partition_replaces_only_the_named_days(lake: Lake) -> None:
    one, two = date(2026, 3, 1), date(2026, 3, 2)
    write_partition(lake, "bronze.quarantine", quarantined(lake, (1, one), (2, two)), [one, two])
    for _ in range(2):
        write_partition(lake, "bronze.quarantine", quarantined(lake, (3, two)), [two])
    assert {(row.line, row.landing_date) for row in lake.read("bronze.quarantine").collect()} == {(1, one), (3, two)}
    assert lake.rows_written("bronze.quarantine", lake.last_version("bronze.quarantine") - 1) == 1


def test_write_partition_refuses_a_row_outside_and_keeps_the_table(lake: Lake) -> None:
    one, two, three = date(2026, 3, 1), date(2026, 3, 2), date(2026, 3, 3)
    write_partition(lake, "bronze.quarantine", quarantined(lake, (1, one)), [one])
    with pytest.raises(Exception, match=r"(?i)replaceWhere|constraint|does not conform"):
        write_partition(lake, "bronze.quarantine", quarantined(lake, (2, two)), [one])
    with pytest.raises(Exception, match=r"bronze.quarantine: a row on 2026-03-02 is outside DATE'2026-03-03'"):
        write_partition(lake, "bronze.quarantine", quarantined(lake, (2, two)), [three])
    assert lake.read("bronze.quarantine").count() == 1


def test_two_writers_of_one_empty_day_leave_its_rows_once(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    day = date(2026, 3, 1)
    lake.create("bronze.quarantine")

    def both(to: Lake, name: str, frame: DataFrame) -> None:
        append_rows(to, name, quarantined(to, (1, day)))
        append_rows(to, name, frame)

    monkeypatch.setattr(writers, "append_rows", both)
    write_partition(lake, "bronze.quarantine", quarantined(lake, (1, day)), [day])
    assert [row.line for row in lake.read("bronze.quarantine").collect()] == [1]


def test_a_commit_that_comes_after_the_look_at_the_days_is_replaced(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    day = date(2026, 3, 1)
    lake.create("bronze.quarantine")

    def too_early(to: Lake, name: str, _: object) -> bool:
        append_rows(to, name, quarantined(to, (1, day)))
        return False

    monkeypatch.setattr(Lake, "has_rows_on", too_early)
    write_partition(lake, "bronze.quarantine", quarantined(lake, (1, day)), [day])
    assert [row.line for row in lake.read("bronze.quarantine").collect()] == [1]


def test_few_files_and_many_are_read_alike(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = date(2026, 3, 1), date(2026, 3, 2)
    write_partition(lake, "bronze.quarantine", quarantined(lake, (1, one), (2, two)), [one, two])

    def read() -> list[tuple[int, date]]:
        frame = lake.read("bronze.quarantine")
        days = [frame.where(F.col("landing_date") == day).where("line < 3").collect() for day in (one, two)]
        return [(row.line, row.landing_date) for rows in days for row in rows]

    assert read() == [(1, one), (2, two)]
    assert [lake.has_rows_on("bronze.quarantine", [day]) for day in (one, date(2026, 3, 3))] == [True, False]
    monkeypatch.setattr("spark_jobs.night.lake.FEW_FILES", 1)
    assert read() == [(1, one), (2, two)]
    assert lake.has_rows_on("bronze.quarantine", [date(2026, 3, 3)]), "unknown"


def test_a_frame_keeps_the_version_that_was_newest_when_it_was_read(lake: Lake) -> None:
    one, two = date(2026, 3, 1), date(2026, 3, 2)
    write_partition(lake, "bronze.quarantine", quarantined(lake, (1, one)), [one])
    before = lake.read("bronze.quarantine")
    write_partition(lake, "bronze.quarantine", quarantined(lake, (2, two)), [two])
    assert (before.count(), lake.read("bronze.quarantine").count()) == (1, 2)


def test_a_frame_that_differs_from_the_ddl_is_refused_by_column(lake: Lake) -> None:
    frame = pages(lake, (1, "a", NOON)).drop("name").selectExpr("*", "1 as surprise")
    with pytest.raises(ValueError, match=r"silver/pages/ddl.sql: missing name; unexpected surprise"):
        merge_by_key(lake, "silver.pages", frame, None)


def test_checksum_ignores_row_order_and_sees_a_changed_value(lake: Lake) -> None:
    rows = ((1, "a", NOON), (2, "b", NOON))
    assert checksum(pages(lake, *rows)) == checksum(pages(lake, *reversed(rows)).repartition(3))
    assert checksum(pages(lake, *rows)) != checksum(pages(lake, (1, "a", NOON), (2, "c", NOON)))


def test_a_table_that_does_not_exist_has_no_version_and_no_rows(lake: Lake) -> None:
    assert (lake.last_version("silver.pages"), lake.rows_written("silver.pages", -1)) == (-1, 0)


def test_unknown_table_is_named(lake: Lake) -> None:
    with pytest.raises(ValueError, match=r"unknown table 'silver\.nothing'"):
        lake.read("silver.nothing")


def test_a_job_reads_its_own_table_and_what_is_listed_for_it_and_no_other(lake: Lake, tmp_path: Path) -> None:
    table = BY_NAME["silver.post_edits"]
    night = Night(lake, date(2026, 3, 1), "", tmp_path, Settings())
    for name in ("bronze.events", "silver.posts", "silver.post_edits"):
        assert night.of(table).read(name).isEmpty()
    with pytest.raises(ValueError, match=r"job of silver\.post_edits reads silver\.blocks, which contracts/pipeline"):
        night.of(table).read("silver.blocks")
    assert night.read("silver.blocks").isEmpty(), "who builds no table reads all"


@pytest.fixture
def change_ddl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Replace a line of the DDL of silver.pages by another, as the next version of the code would."""

    def change(old: str, new: str) -> None:
        text = (ddl.SQL_FOLDER / "silver" / "pages" / "ddl.sql").read_text()
        assert old in text
        folder = tmp_path / "next" / "silver" / "pages"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "ddl.sql").write_text(text.replace(old, new))
        monkeypatch.setattr(ddl, "SQL_FOLDER", tmp_path / "next")

    return change


def test_a_table_made_by_an_older_ddl_gains_its_nullable_columns(
    lake: Lake, change_ddl: Callable[[str, str], None]
) -> None:
    merge_by_key(lake, "silver.pages", pages(lake, (1, "old", NOON)), None)
    change_ddl("  name STRING", "  city STRING COMMENT 'the page''s city',\n  tags ARRAY<STRING>,\n  name STRING")
    for _ in range(2):
        newer = Lake(lake.spark, lake.root)
        merge_by_key(newer, "silver.pages", pages(newer, (1, "new", NOON), (2, "two", NOON)), "true")
    read = newer.read("silver.pages").orderBy("page_id")
    assert [(row.page_id, row.name, row.city, row.tags) for row in read.collect()] == [
        (1, "new", "Ulm", ["a"]),
        (2, "two", "Ulm", ["a"]),
    ]
    assert read.schema["city"].metadata["comment"] == "the page's city"


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("owner_id BIGINT", "owner_id STRING", "owner_id is bigint in the table and string here"),
        ("  name STRING", "  city STRING NOT NULL,\n  name STRING", "city string NOT NULL is new, and existing rows"),
        ("  name STRING NOT NULL COMMENT 'shown to people',\n", "", "name is in the table and not here"),
    ],
)
def test_a_table_that_cannot_follow_its_ddl_is_refused_by_column_and_types(
    lake: Lake, change_ddl: Callable[[str, str], None], old: str, new: str, told: str
) -> None:
    lake.create("silver.pages")
    change_ddl(old, new)
    with pytest.raises(ValueError, match=f"silver.pages: the table cannot follow sql/silver/pages/ddl.sql: {told}"):
        Lake(lake.spark, lake.root).read("silver.pages")


def test_a_column_that_may_be_null_by_now_may_be_null_in_a_table_that_stands(
    lake: Lake, change_ddl: Callable[[str, str], None]
) -> None:
    merge_by_key(lake, "silver.pages", pages(lake, (1, "old", NOON)), None)
    nameless = pages(lake, (2, "x", NOON)).withColumn("name", F.lit(None).cast("string"))
    with pytest.raises(Exception, match=r"(?i)not.null"):
        append_rows(lake, "silver.pages", nameless)
    change_ddl("name STRING NOT NULL", "name STRING")
    for _ in range(2):
        newer = Lake(lake.spark, lake.root)
        merge_by_key(newer, "silver.pages", nameless, "true")
    assert sorted((row.page_id, row.name) for row in newer.read("silver.pages").collect()) == [(1, "old"), (2, None)]
