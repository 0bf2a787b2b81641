"""A night published twice, then run again: it reads on from the night before, not from the beginning of history."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import redis
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from spark_jobs.audit.audit import published_before
from spark_jobs.clean.typed_events import landed_in_scope
from spark_jobs.lake import Lake, append_rows
from spark_jobs.night import Night, newest_published
from spark_jobs.publish import epochs, ledger
from spark_jobs.publish.rollback import Order, roll_back
from tests.epoch_table import statuses
from tests.feed_rows import DS, frame_of, put
from tests.nights import redis_server
from tests.published_night import prepare, ranked_rows, write_audit

NEXT = DS + timedelta(days=1)
DAYS = 12


def days_read(night: Night) -> list[str]:
    days = landed_in_scope(night).select("landing_date").distinct().collect()
    return sorted(row["landing_date"].strftime("%m-%d") for row in days)


def land(night: Night) -> list[date]:
    days = [NEXT - timedelta(days=back) for back in range(DAYS)]
    rows = [{"event_id": f"{day}", "event_type": "post_deleted", "raw": "{}", "landing_date": day} for day in days]
    append_rows(night.lake, "bronze.events", frame_of(night.spark, "bronze.events", rows))
    return days


def test_published_twice(spark: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "redis").mkdir()
    with redis_server(tmp_path / "redis") as url:
        first = prepare(Lake(spark, str(tmp_path / "lake")), tmp_path / "runs", url)
        table = first.lake.path(ledger.TABLE)
        land(first)
        epochs.main(first)
        night = replace(first, ds=NEXT)
        assert newest_published(night) == DS
        before = days_read(night)
        put(night.lake, "gold.ranked_feeds", [*ranked_rows(), *({**row, "ds": NEXT} for row in ranked_rows())])
        write_audit(night)
        for _ in range(2):
            epochs.main(night)
        after = days_read(night)
        print(f"{statuses(table)}: of {DAYS} landed days the night of {NEXT} reads {before} before, {after} after")
        assert statuses(table) == {1: "retired", 2: "previous", 3: "current"}
        assert newest_published(night) == DS
        assert after == before
        assert len(after) < DAYS
        later = replace(night, ds=NEXT + timedelta(days=1))
        assert newest_published(later) == NEXT
        compared = [published_before(each) for each in (night, later)]
        found = [{row["ds"] for row in pools.select("ds").distinct().collect()} for pools in compared if pools]
        print(f"the audit compares {NEXT} with {found[0]}, the night after with {found[1]}")
        assert found == [{DS}, {NEXT}]

        print(roll_back(table, redis.Redis.from_url(url), Order("ann", "bad"), night.settings.publish))
        assert newest_published(later) == NEXT, "the night was published before, as epoch 2"
        both = night.read("gold.epochs").where(F.col("ds") == F.lit(NEXT)).count()
        assert both == 2
