"""The only ways to write a Delta table.

Writers are idempotent: ``write_partition`` replaces whole partitions, ``merge_by_key`` upserts by the grain.
Both create the table from its DDL and refuse a frame whose columns differ from it.
"""

from collections.abc import Sequence
from datetime import date

from delta.tables import DeltaTable
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from contracts.pipeline import BY_NAME
from spark_jobs.night.ddl import read_schema
from spark_jobs.night.lake import Lake


def conform(lake: Lake, name: str, frame: DataFrame) -> DataFrame:
    """``frame`` with the table's columns in order; a missing, extra or differently typed column is refused."""
    lake.create(name)
    declared = {field.name: field.dataType for field in read_schema(name)}
    got = {field.name: field.dataType for field in frame.schema}
    problems = [f"missing {column}" for column in declared.keys() - got.keys()]
    problems += [f"unexpected {column}" for column in got.keys() - declared.keys()]
    problems += [
        f"{column} is {got[column].simpleString()}, not {kind.simpleString()}"
        for column, kind in declared.items()
        if column in got and _loosened(got[column].simpleString()) != _loosened(kind.simpleString())
    ]
    if problems:
        raise ValueError(f"{name}: frame does not match sql/{name.replace('.', '/')}/ddl.sql: {'; '.join(problems)}")
    return frame.select(*declared)


def _loosened(type_name: str) -> str:
    return type_name.replace("void", "string")


def write_partition(lake: Lake, name: str, frame: DataFrame, partitions: Sequence[date]) -> None:
    """Replace the named partitions of the table with ``frame``, atomically.

    Running it twice leaves the same content; a row outside ``partitions`` fails the write before it commits.
    """
    column = BY_NAME[name].partition
    if column is None:
        raise ValueError(f"{name} is not partitioned; use merge_by_key")
    if not partitions:
        return
    conformed = conform(lake, name, frame)
    with lake.writing(name):
        version = lake.version(name)  # before the days are looked at: a commit from here on may have filled them
        if not lake.has_rows_on(name, partitions):
            _append_to_days(lake, name, conformed, partitions)
            if lake.version(name) <= version + 1:
                return
        replacing = conformed.write.format("delta").mode("overwrite")
        replacing.option("replaceWhere", f"{column} IN ({_dates(partitions)})").save(lake.path(name))


def _append_to_days(lake: Lake, name: str, frame: DataFrame, partitions: Sequence[date]) -> None:
    """Append ``frame`` to empty partitions, in one Spark job where a replacement takes five."""
    column = str(BY_NAME[name].partition)
    day = F.coalesce(F.col(column).cast("string"), F.lit("no day"))
    outside = F.raise_error(F.concat(F.lit(f"{name}: a row on "), day, F.lit(f" is outside {_dates(partitions)}")))
    checked = F.when(F.col(column).isin(*partitions), F.col(column)).otherwise(outside.cast("date"))
    append_rows(lake, name, frame.withColumn(column, checked))


def append_rows(lake: Lake, name: str, frame: DataFrame) -> None:
    """Append ``frame`` to an append-only table in one commit; the caller ensures that no row comes twice."""
    writer = conform(lake, name, frame).write.format("delta").mode("append")
    with lake.writing(name):
        writer.save(lake.path(name))


def merge_by_key(
    lake: Lake, name: str, frame: DataFrame, update_when: str | None, keys: Sequence[str] | None = None
) -> None:
    """Insert rows with new keys; update rows with known keys if ``update_when`` holds (never if None).

    ``update_when`` compares ``old`` and ``new``, for example ``new.updated_at > old.updated_at``. ``frame`` must hold
    each key once (a MERGE would insert both copies of a new key). Keys default to the table's grain; the partition
    column's values in ``frame`` bound the files that are read.
    """
    table = BY_NAME[name]
    columns = tuple(keys or table.keys)
    condition = " AND ".join(f"old.{column} <=> new.{column}" for column in columns)
    if not lake.was_written(name):
        append_rows(lake, name, frame)
        return
    conformed = conform(lake, name, frame).persist()
    try:
        existing = lake.read(name)
        if table.partition is not None:
            days = sorted(row[0] for row in conformed.select(table.partition).distinct().collect())
            if not days:
                return
            in_days = f"{table.partition} IN ({_dates(days)})"
            existing = existing.where(in_days)
            condition += f" AND old.{in_days}"
        if existing.isEmpty():  # nothing to match: an append is the same, in one pass less
            append_rows(lake, name, conformed)
            return
        merge = DeltaTable.forPath(lake.spark, lake.path(name)).alias("old").merge(conformed.alias("new"), condition)
        if update_when is not None:
            merge = merge.whenMatchedUpdateAll(update_when)
        with lake.writing(name):
            merge.whenNotMatchedInsertAll().execute()
    finally:
        conformed.unpersist()


def delete_all(lake: Lake, name: str, condition: Column | None = None) -> None:
    """Delete the rows for which ``condition`` holds, or all."""
    lake.create(name)
    with lake.writing(name):
        DeltaTable.forPath(lake.spark, lake.path(name)).delete(condition)


def delete_by_key(lake: Lake, name: str, frame: DataFrame) -> None:
    """Delete the rows that equal a row of ``frame`` in the columns of ``frame``."""
    condition = " AND ".join(f"old.{column} <=> new.{column}" for column in frame.columns)
    table = DeltaTable.forPath(lake.spark, lake.path(name)).alias("old")
    merge = table.merge(frame.distinct().alias("new"), condition).whenMatchedDelete()
    with lake.writing(name):
        merge.execute()


def _dates(days: Sequence[date]) -> str:
    return ", ".join(f"DATE'{day.isoformat()}'" for day in sorted(set(days)))
