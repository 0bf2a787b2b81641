"""One simulated network, its night run and published once, shared by the acceptance tests."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from spark_jobs.night.lake import Lake
from spark_jobs.night.night import Night, load_settings
from spark_jobs.simulate import simulate
from tests.edited_posts import edit_posts
from tests.nights import Reader, reader, redis_server, run_night
from tests.small_sites import LANDED, build, without_impressions

USERS = 300
DS = date(2026, 3, 8)
NIGHTS = {"published", "unlogged"}
"""Fixtures that run whole stages of a night."""


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with redis_server(tmp_path_factory.mktemp("redis")) as url:
        yield url


@pytest.fixture(scope="session")
def landing(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("network") / "landing"
    simulate(spark, users=USERS, days=8, seed=20, end_date=DS, landing=str(folder))
    edit_posts(folder, DS)
    return folder


@pytest.fixture(scope="session")
def published(spark: SparkSession, landing: Path, redis_url: str) -> Night:
    """The network's night, run once from landing files to the flip."""
    lake = Lake(spark, str(landing.parent / "lake"))
    night = Night(lake, DS, str(landing), landing.parent / "runs", load_settings(str(landing)), redis_url)
    run_night(night)
    return night


@pytest.fixture(scope="session")
def feed(published: Night, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    with reader(published.redis_url, tmp_path_factory.mktemp("reader") / "log") as running:
        yield running


@pytest.fixture(scope="session")
def unlogged(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Night:
    """A small site that logs no impressions, in silver."""
    folder = tmp_path_factory.mktemp("unlogged")
    without_impressions(folder / "landing")
    settings = load_settings(str(folder / "landing"))
    night = Night(Lake(spark, str(folder / "lake")), DS, str(folder / "landing"), folder / "runs", settings)
    build(night, *LANDED)
    return night


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A night takes more than a minute, so whatever needs one of these is left to ``make acceptance``."""
    for item in items:
        if NIGHTS & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.slow)
