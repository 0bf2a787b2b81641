"""The gate after every table: a Great Expectations suite plus cross-table checks, and a JSON verdict.

Critical failures block the stages that follow; warnings are reported. The verdict goes to
``<runs>/<ds>/verdicts/<layer>.<table>.json``, where the validation task of the DAG and the run report read it.
"""

import importlib
import threading
import time
from datetime import timedelta

from pyspark.sql import functions as F

from contracts.pipeline import BY_NAME
from contracts.pipeline.table import Table
from contracts.run_records import RuleResult, TableVerdict
from contracts.settings import Dataset
from spark_jobs.night.gate.checks import cross_checks
from spark_jobs.night.gate.rows import InMemory, OnSpark, Rows
from spark_jobs.night.gate.small_tables import SmallTable, Span
from spark_jobs.night.gate.suites import expect, load_suite, named_columns, shorten
from spark_jobs.night.night import Night


def prepare() -> None:
    """Import Great Expectations, which takes four seconds, beside the job that builds the first table."""
    threading.Thread(target=importlib.import_module, args=("great_expectations",), daemon=True).start()


def run_gate(night: Night, name: str, since: int = -1) -> TableVerdict:
    """Check what the night may have written to table ``name``, write the verdict and return it.

    Its ``rows`` were written after version ``since`` of the table; ``rows_checked`` are all rows of the days that the
    gate reads: late events add few rows to many days.
    """
    started = time.monotonic()
    table = BY_NAME[name]
    suite = load_suite(table)
    rows = rows_of(night, table, suite)
    grain, num_rows = check_grain(rows, table)
    results = [grain, *check_numbers(rows, num_rows), *expect(rows, suite, num_rows), *cross_checks(night, table)]
    verdict: TableVerdict = {
        "table": name,
        "ds": night.ds.isoformat(),
        "settings": night.settings_hash,
        "success": all(result["success"] for result in results if result["severity"] == "critical"),
        "rows": night.lake.rows_written(name, since),
        "rows_checked": num_rows,
        "seconds": round(time.monotonic() - started, 2),
        "results": results,
    }
    night.files.verdict(name).write(verdict)
    return verdict


def gated_days(dataset: Dataset) -> int:
    """Days back that a night may have written: late data for logs, the training window and a day for features."""
    return max(dataset.training_days, dataset.late_days) + 1


def span_of(night: Night, table: Table) -> Span | None:
    """The partitions that the gate of ``table`` reads; ``None`` if the table has none."""
    if table.partition is None:
        return None
    is_of_the_day = table.partition == "ds" and table.stage not in ("features", "examples")
    days_back = 0 if is_of_the_day else gated_days(night.settings.dataset)
    return Span(table.partition, night.ds - timedelta(days=days_back), night.ds)


def rows_of(night: Night, table: Table, suite: list[dict[str, object]]) -> Rows:
    """The rows that the gate judges; in this process if they are few."""
    span = span_of(night, table)
    night.lake.create(table.full_name)
    small = SmallTable.at(night.lake.place_of(table.full_name), span)
    if small.num_bytes <= night.settings.gate_in_memory_mb * 2**20:
        rows = InMemory.read(small.dataset(), named_columns(suite) | set(table.keys))
        _, num_wrong = rows.non_numbers
        if not num_wrong:  # pandas and Spark differ in how a NaN compares
            return rows
    frame = night.read(table.full_name)
    if span is not None:
        frame = frame.where(F.col(span.column).between(F.lit(span.first), F.lit(span.last)))
    return OnSpark(frame)


def check_grain(rows: Rows, table: Table) -> tuple[RuleResult, int]:
    """The table's keys identify a row; returns the result and the number of rows."""
    total, repeated = rows.count_repeated(table.keys)
    keys = ", ".join(table.keys)
    message = f"{repeated} of {total} rows repeat a key ({keys})"
    return _critical("grain", keys, (repeated, total), message, "the grain"), total


def check_numbers(rows: Rows, num_rows: int) -> list[RuleResult]:
    """No fraction is NaN or infinite, a rule of every suite; no result if a table has no fractions."""
    if not rows.fractions:
        return []
    columns, count = rows.non_numbers
    message = f"{count} of {num_rows} rows break it, in {shorten(', '.join(columns))}"
    why = "NaN and infinity pass comparisons and spread"
    return [_critical("finite_numbers", None, (count, num_rows), message, why)]


def _critical(expectation: str, column: str | None, counts: tuple[int, int], message: str, why: str) -> RuleResult:
    broken, total = counts
    return {
        "expectation": expectation,
        "column": column,
        "severity": "critical",
        "success": broken == 0,
        "unexpected_count": broken,
        "element_count": total,
        "message": message if broken else "holds",
        "why": why,
    }
