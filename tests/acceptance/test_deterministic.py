"""The same seed gives the same tables, however the work is split, run again, or with rows that land late."""

from datetime import date, timedelta
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from contracts.pipeline import TABLES
from spark_jobs.night.lake import Lake, checksum
from spark_jobs.night.night import Night, load_settings
from spark_jobs.simulate import simulate
from tests.landed import DS, engagement, land
from tests.nights import run_night

STAGES = ("ingest", "clean", "features", "examples")
HAPPENED, RECEIVED, NEXT = DS - timedelta(days=2), DS - timedelta(days=1), DS + timedelta(days=1)

pytestmark = pytest.mark.slow


def checksums(night: Night) -> dict[str, str]:
    return {table.full_name: checksum(night.read(table.full_name)) for table in TABLES if table.stage in STAGES}


def landed_bytes(landing: str) -> dict[str, bytes]:
    return {str(path.relative_to(landing)): path.read_bytes() for path in Path(landing).glob("2*/*")}


def test_deterministic(spark: SparkSession, tmp_path: Path) -> None:
    before = spark.conf.get("spark.sql.shuffle.partitions")
    nights = []
    try:
        for partitions in (2, 7):
            spark.conf.set("spark.sql.shuffle.partitions", str(partitions))
            folder = tmp_path / str(partitions)
            simulate(spark, users=150, days=3, seed=5, end_date=DS, landing=str(folder / "landing"))
            settings = load_settings(str(folder / "landing"))
            night = Night(Lake(spark, str(folder / "lake")), DS, str(folder / "landing"), folder / "runs", settings)
            run_night(night, STAGES)
            nights.append(night)
    finally:
        spark.conf.set("spark.sql.shuffle.partitions", str(before))
    first, second = nights
    assert landed_bytes(first.landing) == landed_bytes(second.landing)
    once = checksums(first)
    assert once == checksums(second)
    run_night(second, STAGES)
    assert once == checksums(second)
    for name, value in once.items():
        print(f"{name:28} {value}")


def partition_files(night: Night, name: str) -> dict[date, set[str]]:
    """Data files of each partition as the table's log names them: a partition that was rewritten has others."""
    files: dict[date, set[str]] = {}
    for path in night.read(name).inputFiles():
        day = next(part for part in path.split("/") if "=" in part).split("=")[1]
        files.setdefault(date.fromisoformat(day), set()).add(path)
    return files


def test_deterministic_with_late_rows(spark: SparkSession, tmp_path: Path) -> None:
    """A like that lands two nights late rewrites its own partitions, and leaves what it would have made in time."""
    tables = ("silver.impressions", "silver.engagements", "gold.user_features", "gold.affinity_features")
    nights: list[Night] = []
    files: list[dict[str, dict[date, set[str]]]] = []
    for landed_on in (NEXT, RECEIVED):
        folder = tmp_path / landed_on.isoformat()
        simulate(spark, users=150, days=3, seed=5, end_date=DS, landing=str(folder / "landing"))
        settings = load_settings(str(folder / "landing"))
        lake = Lake(spark, str(folder / "lake"))
        night, next_night = (Night(lake, ds, str(folder / "landing"), folder / "runs", settings) for ds in (DS, NEXT))
        if landed_on == NEXT:
            run_night(night, STAGES)
            shown = night.read("silver.impressions").where(f"event_date = DATE'{HAPPENED}'").orderBy("impression_id")
            seen = shown.select("user_id", "post_id").first()
            assert seen is not None
            at, received = f"{HAPPENED}T23:59:00Z", f"{RECEIVED}T09:00:00Z"
            late = engagement("late", seen.user_id, seen.post_id, at=at, received=received)
            files.append({name: partition_files(night, name) for name in tables})
        land(folder / "landing", landed_on, [late], name="late.jsonl")
        land(folder / "landing", NEXT, [], name="empty.jsonl")
        if landed_on != NEXT:
            run_night(night, STAGES)
        run_night(next_night, STAGES)
        files.append({name: partition_files(next_night, name) for name in tables})
        nights.append(next_night)
    late_night, timely_night = nights
    before, after, _ = files
    for name in (*tables, "gold.training_examples"):
        content = checksum(late_night.read(name))
        assert content == checksum(timely_night.read(name)), f"{name} depends on when the like landed"
        if name in tables:
            days = {day for day, paths in after[name].items() if paths != before[name].get(day)}
            print(f"{name:24} {content:32} rewritten: {', '.join(day.isoformat() for day in sorted(days))}")
            touched = {"silver.impressions": set(), "silver.engagements": {HAPPENED}}
            assert days == touched.get(name, {RECEIVED, DS, NEXT})
