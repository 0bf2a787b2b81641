"""A night that was published twice: the next one reads on from there, and later nights are compared with it."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
import redis
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from spark_jobs.audit.audit import published_before
from spark_jobs.clean import arrivals
from spark_jobs.clean.news import news
from spark_jobs.night.lake import Lake
from spark_jobs.night.night import Night
from spark_jobs.night.writers import append_rows
from spark_jobs.publish import epochs, ledger
from spark_jobs.publish.orders import Order
from spark_jobs.publish.rollback import roll_back
from tests.epoch_table import statuses
from tests.feed_rows import DS, frame_of, put
from tests.nights import redis_server
from tests.published_night import prepare, ranked_rows, write_audit

NEXT = DS + timedelta(days=1)
DAYS = 12


def days_read(night: Night) -> list[str]:
    days = news(night, "silver.posts").select("landing_date").distinct().collect()
    return sorted(row["landing_date"].strftime("%m-%d") for row in days)


def land(night: Night, days: list[date], batch: int) -> None:
    rows = [
        {"event_id": f"{day}", "event_type": "post_deleted", "raw": "{}", "landing_date": day, "batch": batch}
        for day in days
    ]
    append_rows(night.lake, "bronze.events", frame_of(night.spark, "bronze.events", rows))


def move_on(night: Night) -> None:
    """The next night ranks what the first one ranked."""
    put(night.lake, "gold.ranked_feeds", [*ranked_rows(), *({**row, "ds": NEXT} for row in ranked_rows())])
    for name in ("gold.post_features", "gold.user_features"):
        rows = [row.asDict() for row in night.read(name).collect()]
        put(night.lake, name, [*rows, *({**row, "ds": NEXT} for row in rows)])
    write_audit(night)


def days_compared(night: Night) -> set[date]:
    pools = published_before(night)
    return set() if pools is None else {row["ds"] for row in pools.select("ds").distinct().collect()}


@pytest.mark.slow
def test_published_twice(spark: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "redis").mkdir()
    with redis_server(tmp_path / "redis") as url:
        first = prepare(Lake(spark, str(tmp_path / "lake")), tmp_path / "runs", url)
        table = first.lake.path(ledger.TABLE)
        land(first, [DS - timedelta(days=back) for back in range(DAYS)], batch=1)
        assert len(days_read(first)) == DAYS
        arrivals.main(first)
        epochs.main(first)
        night = replace(first, ds=NEXT)
        land(night, [NEXT], batch=2)
        before = days_read(night)
        move_on(night)
        for _ in range(2):
            epochs.main(night)
        after = days_read(night)
        print(f"{statuses(table)}: of {DAYS + 1} landed days the night of {NEXT} reads {before} before, {after} after")
        assert statuses(table) == {1: "retired", 2: "previous", 3: "current"}
        assert before == after == [f"{NEXT:%m-%d}"]
        later = replace(night, ds=NEXT + timedelta(days=1))
        print(f"the audit compares {NEXT} with {days_compared(night)}, the night after with {days_compared(later)}")
        assert days_compared(night) == {DS}
        assert days_compared(later) == {NEXT}

        print(roll_back(table, redis.Redis.from_url(url), Order("ann", "bad"), night.settings.publish))
        assert days_compared(later) == {NEXT}, "the night was published before, as epoch 2"
        both = night.read("gold.epochs").where(F.col("ds") == F.lit(NEXT)).count()
        assert both == 2
