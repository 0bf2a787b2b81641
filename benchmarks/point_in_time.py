"""``make bench K=point_in_time``: counters as of each impression, by running sums and by the range join they replace.

Both see the same synthetic log: ``--events`` events (likes, comments, shares, hides, views; one in ten received up to
two days late) and half as many points, on posts of heavy-tailed popularity over eight days. ``value`` is points per
second of ``spark_jobs.rules.counters.counters_at``, ``ratio`` its speed over that of the range join (target ≥ 8);
``slope`` is the exponent with which its seconds grow from that log to one ten times as long (target ≤ 1.1). Each figure
is the best of three.
"""

import argparse
import json
import math
import time
from collections.abc import Callable

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from spark_jobs.night.session import open_session
from spark_jobs.rules.counters import COUNTERS, NEGATIVE, counters_at, one_if

DAYS = 8
EVENTS_PER_POST = 30
POPULARITY = 3.0
"""Posts are drawn as u^3 of a uniform u, so one in a hundred posts gets a fifth of the events."""
TARGETS = {"ratio": 8.0, "slope": 1.1}


def synthetic_log(spark: SparkSession, num_events: int) -> tuple[DataFrame, DataFrame]:
    """Events (post_id, kind, event_time, received_at) and points (point_id, post_id, instant), both cached."""
    num_posts = num_events // EVENTS_PER_POST

    def draws(rows: int, seed: int) -> DataFrame:
        popular = F.floor(F.pow(F.rand(seed), POPULARITY) * num_posts).alias("post_id")
        at = F.timestamp_micros((F.lit(1772323200 * 1_000_000) + F.rand(seed + 1) * DAYS * 86400e6).cast("bigint"))
        return spark.range(rows).select("id", popular, at.alias("at"))

    kinds = F.array(
        *(F.lit(kind) for kind in ("impression", "impression", "impression", "like", "comment", "share", "hide"))
    )
    late = F.when(F.rand(7) < 0.1, F.rand(8) * 2 * 86400).otherwise(F.lit(0.0))  # noqa: PLR2004
    events = draws(num_events, 1).select(
        "post_id",
        F.element_at(kinds, (F.floor(F.rand(9) * 7) + 1).cast("int")).alias("kind"),
        F.col("at").alias("event_time"),
        F.timestamp_micros(F.unix_micros("at") + (late * 1e6).cast("bigint")).alias("received_at"),
    )
    points = draws(num_events // 2, 11).select(F.col("id").alias("point_id"), "post_id", F.col("at").alias("instant"))
    cached = (events.persist(), points.persist())
    for frame in cached:
        frame.count()
    return cached


def range_join(events: DataFrame, points: DataFrame) -> DataFrame:
    """The rule word for word: each point joined to the events of its post that it may see, and counted."""
    log = events.withColumnRenamed("post_id", "of")
    visible = (F.col("event_time") < F.col("instant")) & (F.col("received_at") <= F.col("instant"))
    seen = points.join(log, (F.col("post_id") == F.col("of")) & visible, "left")
    kinds = (("impression",), ("like",), ("comment",), ("share",), NEGATIVE)
    counts = (F.sum(one_if(F.col("kind").isin(*kind))).alias(name) for name, kind in zip(COUNTERS, kinds, strict=True))
    return seen.groupBy(*points.columns).agg(*counts)


def seconds(build: Callable[[], DataFrame], repeats: int) -> float:
    """Best wall seconds of computing every row of a frame, written nowhere."""
    times = []
    for _ in range(repeats):
        started = time.monotonic()
        build().write.format("noop").mode("overwrite").save()
        times.append(time.monotonic() - started)
    return min(times)


def main() -> None:
    """Time both on one log, then the running sums on one ten times as long; one JSON line last."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=1_000_000, help="events of the log (default: %(default)s)")
    size = parser.parse_args().events
    spark = open_session("bench point_in_time")
    events, points = synthetic_log(spark, size // 10)
    differing = counters_at(events, points).exceptAll(range_join(events, points)).count()
    if differing:
        raise SystemExit(f"the two disagree on {differing:,} points: there is nothing to compare")
    print(f"both agree on {points.count():,} points")
    times: dict[str, float] = {}
    for scale in (1, 10):
        events, points = synthetic_log(spark, size * scale)
        times[f"running sums x{scale}"] = seconds(lambda: counters_at(events, points), 3)  # noqa: B023
        if scale == 1:
            times["range join"] = seconds(lambda: range_join(events, points), 3)  # noqa: B023
        events.unpersist()
        points.unpersist()
    for name, taken in times.items():
        print(f"{name:18} {taken:8.2f} s")
    spark.stop()
    ours = times["running sums x1"]
    result = {
        "metric": "point_in_time_rows_per_s",
        "value": round(size / 2 / ours),
        "ratio": round(times["range join"] / ours, 2),
        "slope": round(math.log10(times["running sums x10"] / ours), 3),
        "targets": TARGETS,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
