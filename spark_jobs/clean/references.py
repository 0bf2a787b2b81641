"""Check that the entities of an event are known; otherwise the event goes to bronze.quarantine with a reason.

An event whose reference may still arrive is retried every night (``news``), so the quarantine does not depend on the
order of arrival. When the reference has arrived, the row is marked as settled, and ``arrivals`` deletes it at the end
of the stage.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from spark_jobs.night.night import Night
from spark_jobs.night.writers import merge_by_key
from spark_jobs.rules.refused_lines import DIFFERS

RECEIVED_EARLIER = "new.received_at < old.received_at"
"""When a merge replaces a log row: by a delivery of the same event that was received earlier."""

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
    """``events`` with ``reason`` and ``detail`` of the first of ``references`` that fails; null if all hold."""
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
    """``checked`` with ``reason`` on rows that are ``broken`` and have no reason yet; ``column`` is the detail."""
    is_new = broken & F.col("reason").isNull()
    value = F.col(column).cast("string")
    if dict(checked.dtypes)[column] == "timestamp":  # as in the line
        value = F.concat(F.lit('"'), F.get_json_object("raw", f"$.{column}"), F.lit('"'))
    detail = F.concat(F.lit(f"{column}="), F.coalesce(value, F.lit("null")))
    return checked.withColumns(
        {
            "reason": F.when(is_new, F.lit(reason)).otherwise(F.col("reason")),
            "detail": F.when(is_new, detail).otherwise(F.col("detail")),
        }
    )


def accepted(checked: DataFrame) -> DataFrame:
    """The events without a reason; the columns ``reason`` and ``detail`` are dropped."""
    return checked.where(F.col("reason").isNull()).drop("reason", "detail")


def post_references(night: Night) -> list[Reference]:
    """References to a post: it is known, and it is in silver. A known post is withheld if its own line was refused.

    An event on a withheld post is not at fault; it waits for the post.
    """
    lines = night.read("bronze.quarantine").where(
        F.col("writer").isin("bronze.events", "silver.posts")
        & F.col("event_type").isin("post_created", "post_updated")
        & F.col("is_settled").isNull()
    )
    withheld = lines.select(F.expr("try_cast(get_json_object(raw, '$.post_id') AS BIGINT)").alias("post_id"))
    posts = night.read("silver.posts").select("post_id")
    known = posts.unionByName(withheld.where("post_id IS NOT NULL"))
    return [Reference("post_id", known, "unknown_post"), Reference("post_id", posts, "withheld_post")]


def needed_lines(checked: DataFrame) -> DataFrame:
    """``checked`` without the landed line in rows where nothing reads it: it is most of an event's bytes."""
    is_read = F.col("reason").isNotNull() | F.col("waited").isNotNull()
    return checked.withColumn("raw", F.when(is_read, F.col("raw")))


def write_refused(night: Night, table: str, *checked: DataFrame) -> None:
    """Merge the refused events of ``table`` into bronze.quarantine; mark waiting events that are now accepted settled.

    Call it when the accepted events are in the table: a settled event is not retried.
    """
    refused = reduce(DataFrame.unionByName, (_refused(table, some) for some in checked))
    with _ONE_WRITER:
        merge_by_key(night.lake, "bronze.quarantine", refused, update_when=DIFFERS)


def _refused(table: str, checked: DataFrame) -> DataFrame:
    is_settled = F.when(F.col("reason").isNull(), F.lit(col=True))
    return checked.where(F.col("reason").isNotNull() | F.col("waited").isNotNull()).select(
        F.lit(table).alias("writer"),
        "source",
        "line",
        "event_id",
        "event_type",
        F.coalesce("reason", "waited").alias("reason"),
        "detail",
        "raw",
        "landing_date",
        "batch",
        F.lit(None).cast("boolean").alias("was_event"),
        is_settled.alias("is_settled"),
    )


def merge_accepted(
    night: Night,
    table: str,
    checked: DataFrame,
    transform: Callable[[DataFrame], DataFrame],
    update_when: str | None,
) -> None:
    """Merge ``transform`` of the accepted events, updating known keys if ``update_when`` holds; quarantine the rest.

    The quarantine is written last: if ``checked`` reads it, a write there drops the frames that Spark has persisted.
    """
    checked = needed_lines(checked).persist()
    try:
        merge_by_key(night.lake, table, transform(accepted(checked)), update_when=update_when)
        write_refused(night, table, checked)
    finally:
        checked.unpersist()
