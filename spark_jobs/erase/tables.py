"""Remove erased ids from one table, as ``contracts.erasure`` declares. Running it twice changes nothing more."""

from functools import reduce
from operator import or_

from delta.tables import DeltaTable
from pyspark.sql import Column
from pyspark.sql import functions as F

from contracts.erasure import NOBODY, TRACES, Trace
from spark_jobs.night.lake import Lake
from spark_jobs.rules.erased_ids import ErasedIds, has_number_of, is_theirs, is_touched, parse_line, redact


def erase_rows(lake: Lake, name: str, ids: ErasedIds) -> dict[str, int]:
    """Delete the rows of erased people, redact those of others; returns how many of each there were."""
    trace = TRACES[name]
    is_deleted, is_redacted, values = conditions(name, trace, ids)
    rows = lake.read(name)
    counted = rows.agg(
        F.count_if(is_deleted).alias("deleted"), F.count_if(~is_deleted & is_redacted).alias("redacted")
    ).first()
    assert counted is not None, "an aggregate without groups has one row"
    table = DeltaTable.forPath(lake.spark, lake.path(name))
    if counted["deleted"]:
        table.delete(is_deleted)
    if counted["redacted"]:
        table.update(is_redacted, values)
    return {what: int(counted[what]) for what in ("deleted", "redacted")}


def conditions(name: str, trace: Trace, ids: ErasedIds) -> tuple[Column, Column, dict[str, Column]]:
    """(row is deleted, row is redacted, new values of a redacted row)."""
    if trace.lines:
        return _of_lines(name, ids)
    is_deleted = [F.col(column).isin(ids.of(kind)) for column, kind in trace.deleted_by.items()]
    users = ids.of("user")
    array = F.array(*map(F.lit, users)).cast("array<bigint>")
    is_redacted = [F.arrays_overlap(column, array) for column in trace.lists]
    is_redacted += [F.col(column).isin(users) for column in trace.owners]
    values = {column: F.filter(column, lambda one: ~one.isin(users)) for column in trace.lists}
    values |= {column: F.when(F.col(column).isin(users), NOBODY).otherwise(F.col(column)) for column in trace.owners}
    return _any(is_deleted), _any(is_redacted), values


def _of_lines(name: str, ids: ErasedIds) -> tuple[Column, Column, dict[str, Column]]:
    """Conditions for a table of lines. A line that ingest refused is deleted even if it only mentions an erased person.

    An event that clean refused may still be accepted: it is redacted, as in bronze.events.
    """
    raw = F.col("raw")
    line = parse_line(raw)
    is_own, is_redacted = is_theirs(line, ids), is_touched(line, ids)
    redacted = {"raw": redact(raw, line, ids)}
    if name == "bronze.quarantine":
        is_line = F.col("writer") == "bronze.events"
        is_in_detail = F.coalesce(has_number_of(F.concat_ws(" ", "detail"), ids), _no())
        is_deleted = is_own | (is_line & (is_redacted | is_in_detail | has_number_of(raw, ids)))
        return (
            is_deleted,
            ~is_line & (is_redacted | is_in_detail),
            redacted | {"detail": F.when(~is_in_detail, F.col("detail"))},
        )
    return is_own, is_redacted, redacted


def _any(conditions: list[Column]) -> Column:
    return reduce(or_, (F.coalesce(condition, _no()) for condition in conditions), _no())


def _no() -> Column:
    return F.lit(col=False)
