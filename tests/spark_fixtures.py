"""One Spark session per run, a fresh lake per test."""

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from contracts.settings import Settings
from spark_jobs.night.lake import Lake
from spark_jobs.night.night import Night
from spark_jobs.night.session import open_session


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkSession]:
    session = open_session("tests")
    yield session
    session.stop()


@pytest.fixture
def lake(spark: SparkSession, tmp_path: Path) -> Lake:
    return Lake(spark, str(tmp_path / "lake"))


@pytest.fixture
def make_night(lake: Lake, tmp_path: Path) -> Callable[..., Night]:
    def make(ds: date = date(2026, 3, 8), settings: Settings | None = None) -> Night:
        return Night(lake, ds, str(tmp_path / "landing"), tmp_path / "runs", settings or Settings())

    return make
