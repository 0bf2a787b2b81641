"""Which settings a session gets, and how a job's shuffles are sized."""

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from spark_jobs.night.session import BYTES_PER_SHUFFLE_TASK, PROPERTIES, VARIABLE, properties, size_shuffles

PARTITIONS = "spark.sql.shuffle.partitions"
SENT = "spark.sql.adaptive.autoBroadcastJoinThreshold"


def test_shuffles_grow_with_the_input_and_keep_what_was_set(spark: SparkSession) -> None:
    before = {name: spark.conf.get(name, None) for name in (PARTITIONS, SENT)}
    try:
        spark.conf.set(PARTITIONS, "7")
        size_shuffles(spark, 0)
        assert spark.conf.get(PARTITIONS) == "7"
        size_shuffles(spark, 9 * BYTES_PER_SHUFFLE_TASK)
        assert spark.conf.get(PARTITIONS) == "9"
        size_shuffles(spark, 9 * BYTES_PER_SHUFFLE_TASK + 1)
        assert spark.conf.get(PARTITIONS) == "10"
    finally:
        for name, value in before.items():
            spark.conf.unset(name) if value is None else spark.conf.set(name, value)


def test_settings_are_those_of_the_file_that_the_environment_names(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    assert properties() == PROPERTIES
    conf = tmp_path / "cluster.conf"
    monkeypatch.setenv(VARIABLE, str(conf))
    with pytest.raises(FileNotFoundError, match=f"{VARIABLE}: there is no file {conf}"):
        properties()
    conf.write_text("spark.master spark://host:7077")
    assert properties() == conf
