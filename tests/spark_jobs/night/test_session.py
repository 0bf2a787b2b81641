"""How a job's shuffles are sized."""

from pyspark.sql import SparkSession

from spark_jobs.night.session import BYTES_PER_SHUFFLE_TASK, size_shuffles

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
