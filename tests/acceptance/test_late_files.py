"""Whatever order files come in, and however they grow, a lake has the same tables."""

import json
import random
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from contracts.pipeline import tables_of
from contracts.settings import Dataset, Settings
from spark_jobs.night.lake import Lake, checksum
from spark_jobs.night.night import Night
from spark_jobs.night.run import run_job
from tests.arrivals import FIRST, LAST, area, put

pytestmark = pytest.mark.slow

NUM_ORDERS = 10
LATE = ("2026-03-25/old-folder.jsonl", "2026-03-28/day-before.jsonl")
OF_READS = {
    "bronze.events": ("batch",),
    "bronze.quarantine": ("batch", "was_event"),
}
"""Columns that say which read of the landing area brought a line: they differ, by what they are."""
SNAPSHOTS = ("gold.communities", "gold.affinity_features", "gold.user_features")
TABLES = (
    *OF_READS,
    *(table.full_name for table in tables_of("clean") if table.name != "arrivals"),
    *SNAPSHOTS,
)
FILES = area()


def arrivals(order: int) -> dict[str, float]:
    """How much of each file is there on the first night; on the last one, all is."""
    draw = random.Random(order)
    due = [source for source in FILES if date.fromisoformat(source[:10]) <= FIRST]
    if order == 0:  # a lake built at once
        return {}
    if order == 1:  # the two late files, and nothing else, come after the first night
        return {source: 1.0 for source in due if source not in LATE}
    return {source: draw.choice([0.0, 1.0, 1.0, draw.random()]) for source in due}


def build(spark: SparkSession, folder: Path, order: int) -> Night:
    landing = folder / "landing"
    settings = Settings(dataset=Dataset(training_days=7))
    lake = Lake(spark, str(folder / "lake"))
    nights = [Night(lake, ds, str(landing), folder / "runs", settings) for ds in (FIRST, LAST)]
    there = arrivals(order)
    for source, share in there.items():
        if share:
            put(landing, source, FILES[source], share)
    if there:
        run(nights[0])
    for source, lines in FILES.items():
        put(landing, source, lines)
    run(nights[1])
    return nights[1]


def run(night: Night) -> None:
    for table in (*tables_of("ingest"), *tables_of("clean"), *tables_of("features")):
        if table.layer != "gold" or table.full_name in (*SNAPSHOTS, "gold.snapshots"):
            run_job(night, table)


def content(night: Night, name: str, days: list[date]) -> DataFrame:
    frame = night.read(name).drop(*OF_READS.get(name, ()))
    return frame.where(F.col("ds").isin(days)) if name in SNAPSHOTS else frame


def days_of(night: Night) -> set[date]:
    return {row.ds for row in night.read("gold.user_features").select("ds").distinct().collect()}


@pytest.fixture
def quick(spark: SparkSession) -> Iterator[SparkSession]:
    """A session that compiles and plans less: thousands of queries here read a handful of rows each."""
    names = ("spark.sql.codegen.wholeStage", "spark.sql.adaptive.enabled", "spark.sql.shuffle.partitions")
    before = {name: str(spark.conf.get(name)) for name in names}
    for name, value in zip(names, ("false", "false", "1"), strict=True):
        spark.conf.set(name, value)
    yield spark
    for name, value in before.items():
        spark.conf.set(name, value)


def test_late_files(quick: SparkSession, tmp_path: Path) -> None:
    sums: dict[str, dict[int, str]] = {name: {} for name in TABLES}
    days: list[date] = []
    for order in range(NUM_ORDERS):
        night = build(quick, tmp_path / str(order), order)
        days = days or sorted(days_of(night))
        assert days_of(night) >= set(days)
        for name in TABLES:
            sums[name][order] = checksum(content(night, name, days))
        if order == 1:
            check_the_late_files(night)
        late = json.loads((night.folder / "late_files.json").read_text())["recomputed"]
        shares = [share for share in arrivals(order).values() if share < 1]
        print(f"order {order}: {len(shares)} files late or grown, {len(late)} partitions built again")
    for name, found in sums.items():
        print(f"{name:28} {found[0]:24} {'same in all' if len(set(found.values())) == 1 else found}")
    assert all(len(set(found.values())) == 1 for found in sums.values())


def check_the_late_files(night: Night) -> None:
    """Files in the folders of 03-25 and 03-28, read after the night of 03-29: in silver, and in the days they touch."""
    for user_id, day in ((8000025, 25), (8000028, 28)):
        known = night.read("gold.user_features").where(F.col("user_id") == user_id).select("ds").distinct().collect()
        assert sorted(row.ds.day for row in known) == list(range(day, 31))
        assert night.read("silver.posts").where(F.col("post_id") == user_id).count() == 1
        assert night.read("silver.engagements").where(F.col("post_id") == user_id).count() == 1
    late = json.loads((night.folder / "late_files.json").read_text())["recomputed"]
    found = {(row["table"], row["day"]): row["files"] for row in late}
    assert set(found) == {(name, f"2026-03-{day}") for name in SNAPSHOTS for day in range(25, 30)}
    for (name, day), files in sorted(found.items()):
        print(f"  {name:24} {day} again for {', '.join(files)}")
        assert files == [source for source in LATE if source[:10] <= day]
