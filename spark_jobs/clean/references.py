"""Checks that what an event names is known; an event that fails goes to bronze.quarantine with the reason.

A refused event is tried again while it is in a night's scope, so one whose reference comes late ends up in silver;
its quarantine row stays, as the record of what happened.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from spark_jobs.lake import merge_by_key
from spark_jobs.night import Night

_ONE_WRITER = threading.Lock()
"""Tables are cleaned side by side, and Delta refuses the later of two merges into the same days."""


@dataclass(frozen=True)
class Reference:
    """``column`` of an event must be one of the first column of ``known``, else the event is refused for ``reason``."""

    column: str
    known: DataFrame
    reason: str
    only_when: Column | None = None


def check(events: DataFrame, references: Sequence[Reference]) -> DataFrame:
    """``events`` with ``reason`` and ``detail``: the first of ``references`` that does not hold; null where all do."""
    checked = events.withColumns({"reason": F.lit(None).cast("string"), "detail": F.lit(None).cast("string")})
    for reference in references:
        known = reference.known.select(F.col(reference.known.columns[0]).alias("known_id")).distinct()
        joined = checked.join(known, checked[reference.column] == known["known_id"], "left")
        broken = F.col("known_id").isNull()
        if reference.only_when is not None:
            broken &= reference.only_when
        checked = refuse_where(joined.withColumn("broken", broken), F.col("broken"), reference.reason, reference.column)
        checked = checked.drop("known_id", "broken")
    return checked


def refuse_where(checked: DataFrame, broken: Column, reason: str, column: str) -> DataFrame:
    """``checked`` with ``reason`` on rows where ``broken`` holds and no earlier rule did; ``column`` is the detail."""
    is_new = broken & F.col("reason").isNull()
    detail = F.concat(F.lit(f"{column}="), F.coalesce(F.col(column).cast("string"), F.lit("null")))
    return checked.withColumns(
        {
            "reason": F.when(is_new, F.lit(reason)).otherwise(F.col("reason")),
            "detail": F.when(is_new, detail).otherwise(F.col("detail")),
        }
    )


def accepted(checked: DataFrame) -> DataFrame:
    """The events that hold, without ``reason`` and ``detail``."""
    return checked.where(F.col("reason").isNull()).drop("reason", "detail")


def known_posts(night: Night) -> DataFrame:
    """Ids of posts that an event may name: those in silver, and those withheld because their own line was refused.

    An event on a withheld post is not at fault. It stays in bronze and has no row in silver while the post has none.
    """
    lines = night.read("bronze.quarantine").where(
        F.col("writer").isin("bronze.events", "silver.posts") & F.col("event_type").isin("post_created", "post_updated")
    )
    withheld = lines.select(F.expr("try_cast(get_json_object(raw, '$.post_id') AS BIGINT)").alias("post_id"))
    return night.read("silver.posts").select("post_id").unionByName(withheld.where("post_id IS NOT NULL"))


def only_refused_lines(checked: DataFrame) -> DataFrame:
    """``checked`` without the line as landed where it is accepted: most of an event's bytes, and nothing reads it."""
    return checked.withColumn("raw", F.when(F.col("reason").isNotNull(), F.col("raw")))


def write_refused(night: Night, table: str, checked: DataFrame) -> None:
    """Add the refused events to bronze.quarantine, each once per ``table`` that refused it."""
    refused = checked.where(F.col("reason").isNotNull()).select(
        F.lit(table).alias("writer"),
        "source",
        "line",
        "event_id",
        "event_type",
        "reason",
        "detail",
        "raw",
        "landing_date",
    )
    with _ONE_WRITER:
        merge_by_key(night.lake, "bronze.quarantine", refused, update_when=None)


def on_silver_posts(night: Night, rows: DataFrame) -> DataFrame:
    """The rows whose post is in silver: the others wait while their post is withheld, see ``known_posts``."""
    return rows.join(night.read("silver.posts").select("post_id"), "post_id", "left_semi")


def merge_accepted(
    night: Night,
    table: str,
    checked: DataFrame,
    transform: Callable[[DataFrame], DataFrame],
    update_when: str | None,
) -> None:
    """Merge ``transform`` of what ``checked`` accepts, known keys where ``update_when`` holds; quarantine the rest.

    The quarantine comes last: where ``checked`` read it, a write there makes Spark forget what it has persisted.
    """
    checked = only_refused_lines(checked).persist()
    try:
        merge_by_key(night.lake, table, transform(accepted(checked)), update_when=update_when)
        write_refused(night, table, checked)
    finally:
        checked.unpersist()
