"""One small landing area, simulated twice: the second time over the first, with other partitions and a stale file."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from spark_jobs.simulate import simulate

USERS, DAYS, END = 300, 3, date(2026, 3, 8)
PARTITIONS = "spark.sql.shuffle.partitions"


@dataclass(frozen=True)
class Area:
    root: Path
    first: dict[str, bytes]
    second: dict[str, bytes]
    truth: Any
    ads: Any
    labels: Any

    @property
    def dirt(self) -> dict[str, int]:
        return dict(json.loads((self.root / "_truth" / "dirt.json").read_text()))

    def lines(self) -> Iterator[tuple[str, str]]:
        for name, content in sorted(self.second.items()):
            for line in content.decode().splitlines():
                yield name.split("/")[0], line

    def events(self) -> Iterator[dict[str, Any]]:
        """Events in order of arrival, each once, without the lines that are not JSON."""
        seen: set[str] = set()
        found = []
        for _, line in self.lines():
            try:
                event = json.loads(line)
            except json.JSONDecodeError:
                continue
            if event["event_id"] not in seen:
                seen.add(event["event_id"])
                found.append(event)
        yield from sorted(found, key=lambda event: str(event["received_at"]))


def _files(root: Path) -> dict[str, bytes]:
    return {str(file.relative_to(root)): file.read_bytes() for file in root.glob("*/*.jsonl")}


@pytest.fixture(scope="session")
def area(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Area:
    root = tmp_path_factory.mktemp("simulated")
    before = spark.conf.get(PARTITIONS)
    assert before is not None
    runs = []
    for partitions in (2, 5):
        spark.conf.set(PARTITIONS, str(partitions))
        simulate(spark, users=USERS, days=DAYS, seed=20, end_date=END, landing=str(root))
        runs.append(_files(root))
        stale = root / "2026-03-01" / "events-00000-000.jsonl"
        stale.parent.mkdir(exist_ok=True)
        stale.write_text("{}\n")
    spark.conf.set(PARTITIONS, before)
    truth = [pq.read_table(root / "_truth" / name).to_pandas() for name in ("impressions", "ad_impressions", "labels")]
    return Area(root, runs[0], runs[1], *truth)
