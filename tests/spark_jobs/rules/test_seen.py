from typing import Any

from pyspark.sql import SparkSession

from spark_jobs.rules.seen import rejected_pairs
from tests.silver_rows import at, silver


def test_a_hide_holds_until_it_is_taken_back_and_a_report_for_good(spark: SparkSession) -> None:
    acts = {
        1: [("hide", 8)],
        2: [("hide", 8), ("unhide", 9)],
        3: [("hide", 8), ("unhide", 9), ("hide", 10)],
        4: [("report", 8), ("unhide", 9)],
        5: [("unhide", 9), ("hide", 9)],
        6: [("unhide", 9)],
        7: [("like", 8)],
    }
    rows: list[dict[str, Any]] = [
        {"user_id": 1, "post_id": post, "engagement_type": kind, "engaged_at": at(5, hour)}
        for post, done in acts.items()
        for kind, hour in done
    ]
    rows.append({"user_id": None, "post_id": 8, "engagement_type": "report", "engaged_at": at(5, 8)})
    found = rejected_pairs(silver(spark, "silver.engagements", rows))
    assert sorted((row.user_id, row.post_id) for row in found.collect()) == [(1, 1), (1, 3), (1, 4), (1, 5)]
