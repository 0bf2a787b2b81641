"""A change that means to change no result changes none: tables, weights and published values of one night."""

import json
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from tests.same_night import RECORDED, run

pytestmark = pytest.mark.slow


def test_same_night(spark: SparkSession, tmp_path: Path) -> None:
    recorded, found = json.loads(RECORDED.read_text()), run(spark, tmp_path)
    for name in sorted(recorded.keys() | found.keys()):
        was, now = recorded.get(name, "none"), found.get(name, "none")
        print(f"{name:28} {was:>28} {now:>28} {'same' if was == now else 'CHANGED'}")
    assert found == recorded, "where a result was meant to change: python -m tests.same_night"
