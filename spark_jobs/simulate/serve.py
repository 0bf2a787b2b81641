"""Serve ranked feeds: each session of a day shows the next posts of its user's feed."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from spark_jobs.simulate.sessions import LONGEST_MS, SESSION_LENGTH

ALL = 2**30


def serve(offers: DataFrame, opened: DataFrame, orders: dict[str, Column]) -> DataFrame:
    """What each session shows for each of the ``orders`` of a user's offers; a null rank is left out.

    ``offers`` has user, post_id, until_ms and is_fallback, ``opened`` is ``opened_on_last_day``. A session goes on
    after the last post of the one before it, and skips what may no longer be seen when it ends.
    Grain: order, user, slot and place (from 1), with started_ms, post_id and is_fallback.
    """
    queues = [
        F.sort_array(
            F.collect_list(F.when(rank.isNotNull(), F.struct(rank.alias("rank"), "post_id", "until_ms")))
        ).alias(f"queue_{name}")
        for name, rank in orders.items()
    ]
    queued = offers.join(opened.select("user"), "user", "left_semi").groupBy("user", "is_fallback").agg(*queues)
    served = F.array(*(F.struct(F.lit(name).alias("order"), _walk(f"queue_{name}").alias("shown")) for name in orders))
    by_order = queued.join(opened, "user", "inner").select("user", "is_fallback", F.explode(served).alias("served"))
    rows = by_order.select("user", "is_fallback", "served.order", F.explode("served.shown").alias("row"))
    return rows.select("user", "is_fallback", "order", "row.*")


def _walk(queue: str) -> Column:
    """Posts of all ``sessions`` of a user, given the queue of offers."""
    row = "slot BIGINT, started_ms BIGINT, place INT, post_id BIGINT"
    start = F.struct(F.col(queue).alias("rest"), F.array().cast(f"ARRAY<STRUCT<{row}>>").alias("shown"))
    return F.aggregate(F.col("sessions"), start, _next_session, lambda state: state["shown"])


def _next_session(state: Column, session: Column) -> Column:
    ends_ms = session["started_ms"] + LONGEST_MS
    visible = F.filter(state["rest"], lambda offer: offer["until_ms"] > ends_ms)
    taken = F.transform(
        F.slice(visible, 1, SESSION_LENGTH),
        lambda offer, index: F.struct(
            session["slot"].alias("slot"),
            session["started_ms"].alias("started_ms"),
            (index + 1).alias("place"),
            offer["post_id"].alias("post_id"),
        ),
    )
    rest = F.slice(visible, SESSION_LENGTH + 1, ALL)
    return F.struct(rest.alias("rest"), F.concat(state["shown"], taken).alias("shown"))
