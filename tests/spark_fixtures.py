"""One Spark session per run, a fresh lake per test."""

import shutil
import zlib
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from contracts.settings import Settings
from spark_jobs.night.ddl import read_schema
from spark_jobs.night.lake import Lake
from spark_jobs.night.night import Night
from spark_jobs.night.session import open_session

FEW_ROWS_JVM = "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=240m"
"""The JVM's second compiler costs tests a tenth of their CPU time, and their loops are too short to gain by it.

Without it the JVM keeps a fifth of the usual memory for compiled code. The plans of some hundred tests fill that, and
from then on it drops and compiles the same methods again and again.
"""
FEW_ROWS_SQL = {"spark.sql.codegen.wholeStage": "false", "spark.sql.codegen.factoryMode": "NO_CODEGEN"}
"""Every plan of a test is new, and generating and compiling code for it takes longer than interpreting it on few rows.

Tests marked ``many_rows``, slow ones, and every job that a test starts run with generated code.
"""


_HAS_MANY_ROWS = pytest.StashKey[bool]()
_SPARK = pytest.StashKey[SparkSession]()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Choose whether Spark generates code for a test, before the fixtures of the test are set up."""
    item.config.stash[_HAS_MANY_ROWS] = item.get_closest_marker("many_rows") is not None
    if (session := item.config.stash.get(_SPARK, None)) is not None:
        _choose_plans(session, item.config)


def _choose_plans(session: SparkSession, config: pytest.Config) -> None:
    for name, value in FEW_ROWS_SQL.items():
        if config.stash[_HAS_MANY_ROWS]:
            session.conf.unset(name)
        else:
            session.conf.set(name, value)


@pytest.fixture(scope="session")
def spark(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    is_quick = request.config.getoption("markexpr") == "not slow"
    with pytest.MonkeyPatch.context() as for_the_jvm:
        if is_quick:
            for_the_jvm.setenv("JAVA_TOOL_OPTIONS", FEW_ROWS_JVM)
        session = open_session("tests")
    with pytest.MonkeyPatch.context() as patched:
        if is_quick:
            request.config.stash[_SPARK] = session
            _choose_plans(session, request.config)
            patched.setattr(Lake, "_create", _create_from_copies(tmp_path_factory.mktemp("empty_tables")))
        yield session
        session.stop()


def _create_from_copies(templates: Path) -> Callable[[Lake, str], None]:
    """``Lake._create``, which writes each table's first commit once and copies it for the lakes of later tests."""
    create = Lake._create

    def copy_or_create(lake: Lake, name: str) -> None:
        place = lake.place_of(name)
        if place.is_s3:
            create(lake, name)
            return
        template = templates / f"{name}-{zlib.crc32(read_schema(name).json().encode())}"
        if template.exists():
            shutil.copytree(template, place.local)
            return
        create(lake, name)
        shutil.copytree(place.local, template)

    return copy_or_create


@pytest.fixture
def lake(spark: SparkSession, tmp_path: Path) -> Lake:
    return Lake(spark, str(tmp_path / "lake"))


@pytest.fixture
def make_night(lake: Lake, tmp_path: Path) -> Callable[..., Night]:
    def make(ds: date = date(2026, 3, 8), settings: Settings | None = None) -> Night:
        return Night(lake, ds, str(tmp_path / "landing"), tmp_path / "runs", settings or Settings())

    return make
