from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from spark_jobs.publish.checksums import checksum, joined


def test_a_checksum_is_the_sum_of_the_hashes_of_rows(spark: SparkSession) -> None:
    rows = spark.range(200).select("id", F.rand(7).alias("score"), F.lit(None).cast("string").alias("text"))
    hashes = [row.hash for row in rows.select(F.xxhash64(*rows.columns).alias("hash")).collect()]
    assert min(hashes) < 0 < max(hashes)
    halves = rows.agg(*checksum(rows.columns, "card")).first()
    assert halves is not None
    counts = {**halves.asDict(), "cards": 200}
    assert joined(counts, "card") == sum(hashes)
    assert counts == {"cards": 200}


def test_no_rows_have_the_checksum_zero(spark: SparkSession) -> None:
    halves = spark.range(0).agg(*checksum(["id"], "pool")).first()
    assert halves is not None
    assert joined(halves.asDict(), "pool") == 0
