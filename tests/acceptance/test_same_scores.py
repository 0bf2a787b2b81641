"""Scores and pools do not depend on how many partitions Spark makes, nor on how many rows a worker gets at once."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from spark_jobs.night.lake import checksum
from spark_jobs.night.night import Night
from tests.nights import run_night

pytestmark = pytest.mark.slow

TABLES = ("gold.scored_candidates", "gold.ranked_feeds")
WAYS = [(partitions, rows) for partitions in (2, 7) for rows in (1_000, 16_000)]


@contextmanager
def split_so(night: Night, partitions: int, rows: int) -> Iterator[None]:
    conf = night.spark.conf
    wanted = {"spark.sql.shuffle.partitions": partitions, "spark.sql.execution.arrow.maxRecordsPerBatch": rows}
    kept = {key: conf.get(key) for key in wanted}
    for key, value in wanted.items():
        conf.set(key, value)
    try:
        yield
    finally:
        for key, text in kept.items():
            conf.set(key, str(text))


def test_same_scores(published: Night) -> None:
    found = {}
    for partitions, rows in WAYS:
        with split_so(published, partitions, rows):
            run_night(published, ("score", "rerank"))
        found[partitions, rows] = {name: checksum(published.read(name)) for name in TABLES}
        print(f"{partitions} partitions, batches of {rows:,} rows: {found[partitions, rows]}")
    (wanted, *others) = found.values()
    assert all(other == wanted for other in others)
