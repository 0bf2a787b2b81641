"""Which days' snapshots a night builds."""

from datetime import date, timedelta

from pyspark.sql import functions as F

from spark_jobs.night import Night
from spark_jobs.point_in_time import seen_day


def days_to_build(night: Night, table: str) -> list[date]:
    """Days whose partition of ``table`` the night builds: its own, plus earlier ones that are missing or touched.

    The examples of the training window need the snapshots from one day before its first day. An event touches the
    snapshots from its seen day on; so an event that was received late changes no snapshot from before it was
    received, and only one that was received in time but landed late does. What landed since the newest of the earlier
    snapshots counts, as nights in between may have been skipped or have failed.
    """
    first = night.ds - timedelta(days=night.settings.dataset.training_days + 1)
    window = [first + timedelta(days=offset) for offset in range((night.ds - first).days)]
    built = {row.ds for row in night.read(table).where(F.col("ds") >= F.lit(first)).select("ds").distinct().collect()}
    newest = max((day for day in built if day < night.ds), default=night.ds - timedelta(days=1))
    news = (F.col("landing_date") > F.lit(newest)) & (F.col("landing_date") <= F.lit(night.ds))
    landed = night.read("bronze.events").where(news)
    row = landed.agg(F.min(seen_day("event_time", "received_at")).alias("touched")).first()
    touched = row.touched if row is not None and row.touched is not None else night.ds
    again = sorted(day for day in built if touched <= day < night.ds)
    if again:
        print(f"{table}: again {', '.join(map(str, again))}, for events that landed late")
    return [*(day for day in window if day not in built or day >= touched), night.ds]
