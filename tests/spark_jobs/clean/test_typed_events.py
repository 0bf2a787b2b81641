from collections.abc import Callable
from datetime import timedelta

from pyspark.sql import functions as F

from spark_jobs.clean.typed_events import landed_in_scope, typed_events
from spark_jobs.lake import append_rows
from spark_jobs.night import Night
from tests.landed import DS, bronze_rows, event, impression, naive, post


def test_ids_stay_exact_and_lists_lose_nulls(make_night: Callable[..., Night]) -> None:
    events = [
        post(2**53 + 1, 2**63 - 1, hashtags=["a", None], mentions=[2**62 + 1]),
        impression("i", -(2**63), 2**53 + 1, propensity=1),
        event("post_deleted", "d", post_id=7),
    ]
    frame = typed_events(bronze_rows(make_night().spark, events), "post_created", "impression")
    rows = {row["event_id"]: row for row in frame.collect()}
    assert set(rows) == {f"post-{2**53 + 1}", "i"}
    created, shown = rows[f"post-{2**53 + 1}"], rows["i"]
    assert (created["post_id"], created["author_id"], created["mentions"]) == (2**53 + 1, 2**63 - 1, [2**62 + 1])
    assert (created["hashtags"], created["position"], created["created_at"]) == (
        ["a"],
        None,
        naive("2026-03-08T12:00:00Z"),
    )
    assert (shown["user_id"], shown["propensity"], shown["epoch"]) == (-(2**63), 1.0, None)


def test_a_night_reads_what_landed_since_the_last_built_epoch_and_late_days_more(
    make_night: Callable[..., Night],
) -> None:
    night = make_night()
    for days in range(8):
        day = DS + timedelta(days=1 - days)
        append_rows(
            night.lake, "bronze.events", bronze_rows(night.spark, [event("post_deleted", f"{days}", post_id=1)], day)
        )

    def scope() -> list[str]:
        dates = landed_in_scope(night).select(F.date_format("landing_date", "dd").alias("day")).collect()
        return sorted(row["day"] for row in dates)

    assert scope() == ["02", "03", "04", "05", "06", "07", "08"]
    epochs = [(6, "previous"), (7, "current"), (7, "bad"), (8, "current")]
    rows = [(at, DS.replace(day=day), status) for at, (day, status) in enumerate(epochs)]
    frame = night.spark.createDataFrame(rows, "epoch bigint, ds date, status string")
    now = F.current_timestamp()
    frame = frame.withColumns({"manifest": F.lit(""), "audit": F.lit(""), "created_at": now, "updated_at": now})
    append_rows(night.lake, "gold.epochs", frame)
    assert scope() == ["05", "06", "07", "08"]
