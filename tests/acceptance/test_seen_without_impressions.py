"""Without logged impressions, any engagement marks a post as seen, and it is not proposed again."""

from dataclasses import replace
from datetime import timedelta

from pyspark.sql import functions as F

from spark_jobs.night.gate.gate import run_gate
from spark_jobs.night.night import Night
from tests.small_sites import build

TABLE = "gold.feed_candidates"


def test_seen_without_impressions(unlogged: Night) -> None:
    build(unlogged, "gold.post_features")
    since = unlogged.as_of - timedelta(days=unlogged.settings.candidates.seen_days)
    acts = unlogged.read("silver.engagements").where(F.col("engaged_at") >= F.lit(since))
    read = acts.select("user_id", "post_id").distinct().persist()

    def offered(night: Night) -> tuple[int, int]:
        build(night, TABLE)
        candidates = night.read(TABLE)
        return candidates.count(), candidates.join(read, ["user_id", "post_id"], "left_semi").count()

    # What impressions say of a source that logs none: nothing was ever seen.
    logged = replace(unlogged.settings, dataset=replace(unlogged.settings.dataset, has_impressions=True))
    num_by_impressions, again_by_impressions = offered(replace(unlogged, settings=logged))
    num_candidates, again = offered(unlogged)
    kinds = {row.engagement_type: row["count"] for row in acts.groupBy("engagement_type").count().collect()}
    print(f"read in {unlogged.settings.candidates.seen_days} days: {read.count():,} pairs, by {kinds}")
    print(
        f"offered again: {again_by_impressions:,} of {num_by_impressions:,} candidates by impressions alone, ", end=""
    )
    print(f"{again:,} of {num_candidates:,} by what users did")
    assert again_by_impressions > 300
    assert (again, num_candidates) == (0, num_by_impressions - again_by_impressions)
    assert run_gate(unlogged, TABLE)["success"]
