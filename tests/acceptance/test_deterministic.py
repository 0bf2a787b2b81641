"""The same seed gives the same tables, however the work is split, and running a night again changes none."""

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from contracts.pipeline import TABLES
from spark_jobs.lake import Lake, checksum
from spark_jobs.night import Night, load_settings
from spark_jobs.simulate import simulate
from tests.landed import DS
from tests.nights import run_night

STAGES = ("ingest", "clean", "features", "examples")

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
