from pyspark.sql import SparkSession

from spark_jobs.publish.suppression import first_of_each


def test_a_user_keeps_at_most_so_many_members_and_others_lose_none(spark: SparkSession) -> None:
    rows = [(1, post) for post in range(30, 0, -1)] + [(2, 7), (2, 8)]
    pairs = spark.createDataFrame(rows, "user_id BIGINT, post_id BIGINT")
    kept = first_of_each(pairs, "post_id", 5)
    assert kept.columns == ["user_id", "post_id"]
    assert sorted((row.user_id, row.post_id) for row in kept.collect()) == [
        *((1, post) for post in range(1, 6)),
        (2, 7),
        (2, 8),
    ]
