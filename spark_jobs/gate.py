"""The gate after every table: a Great Expectations suite plus cross-table checks, and a JSON verdict.

Critical failures block the stages that follow; warnings are reported. The verdict goes to
``<runs>/<ds>/verdicts/<layer>.<table>.json``, where the validation task of the DAG and the run report read it.
"""

import importlib
import json
import math
import re
import threading
import time
from dataclasses import asdict, dataclass
from functools import reduce
from operator import or_
from pathlib import Path
from typing import Any, cast

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import DoubleType, FloatType

from contracts.pipeline import BY_NAME, Table
from contracts.run_files import RuleResult, TableVerdict
from contracts.settings import Dataset
from spark_jobs.night import Night

ROOT = Path(__file__).resolve().parent.parent
SEVERITIES = ("critical", "warning")


@dataclass(frozen=True)
class Result:
    """One rule's outcome. ``unexpected_count`` rows of ``element_count`` broke it; ``examples`` are values or keys."""

    expectation: str
    column: str | None
    severity: str
    success: bool
    unexpected_count: int
    element_count: int
    message: str
    why: str


def prepare() -> None:
    """Import Great Expectations, which takes four seconds, beside the job that builds the first table."""
    threading.Thread(target=importlib.import_module, args=("great_expectations",), daemon=True).start()


def load_suite(table: Table) -> list[dict[str, Any]]:
    """The table's expectations; a missing or malformed suite raises ``ValueError`` naming the file."""
    path = ROOT / "expectations" / table.layer / f"{table.name}.json"
    if not path.exists():
        raise ValueError(f"{table.full_name} has no suite: {path.relative_to(ROOT)} is missing")
    suite = json.loads(path.read_text())
    for item in suite["expectations"]:
        if item.get("severity") not in SEVERITIES:
            raise ValueError(f"{path.relative_to(ROOT)}: {item.get('type')} lacks a severity of {SEVERITIES}")
    return list(suite["expectations"])


def expect(frame: DataFrame, expectations: list[dict[str, Any]], num_rows: int) -> list[Result]:
    """Run Great Expectations on the columns that the suite names; ``num_rows`` is the count of ``frame``, a table.

    It asks a table twice, whatever the number of rules: reading the columns twice is cheaper than a copy of them.
    """
    if not expectations:
        return []
    import great_expectations as gx  # noqa: PLC0415 - see prepare

    named = {value for item in expectations for key, value in item["kwargs"].items() if key.startswith("column")}
    columns = {name for value in named for name in ([value] if isinstance(value, str) else value)}
    checked = frame.select(*sorted(columns)) if columns else frame
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False, "metric_calculations": False}
    source = context.data_sources.add_spark(name="lake", persist=False)
    batch = source.add_dataframe_asset(name="table").add_batch_definition_whole_dataframe("all")

    def answers(items: list[dict[str, Any]], result_format: str) -> list[Any]:
        kinds = [gx.expectations.core.__dict__[_class_name(item["type"])] for item in items]
        rules = [kind(**item["kwargs"]) for kind, item in zip(kinds, items, strict=True)]
        # It turns whole limits into floats and answers grouped by column, so each answer is matched to its rule by
        # type and arguments, as the rule holds them before it belongs to a suite.
        asked = [_identity(rule.configuration.type, rule.configuration.kwargs) for rule in rules]
        suite = context.suites.add(gx.ExpectationSuite(name=result_format, expectations=rules))
        definition = gx.ValidationDefinition(name=result_format, data=batch, suite=suite)
        outcome = definition.run(batch_parameters={"dataframe": checked}, result_format=result_format)
        found = {_identity(a.expectation_config.type, a.expectation_config.kwargs): a for a in outcome.results}
        return [found[name] for name in asked]

    # Whether rules hold takes one query for all of them; examples take one for each, so only broken ones get any.
    first = answers(expectations, "BOOLEAN_ONLY")
    broken = [at for at, answer in enumerate(first) if not answer.success]
    shown = dict(zip(broken, answers([expectations[at] for at in broken], "SUMMARY"), strict=True)) if broken else {}
    return [
        _result(item, shown.get(at, answer), num_rows)
        for at, (item, answer) in enumerate(zip(expectations, first, strict=True))
    ]


def _class_name(kind: str) -> str:
    return "".join(part.capitalize() for part in kind.split("_"))


def _identity(kind: str, kwargs: dict[str, Any]) -> str:
    return json.dumps([kind, {k: v for k, v in kwargs.items() if k != "batch_id"}], sort_keys=True, default=str)


def _result(item: dict[str, Any], answer: Any, num_rows: int) -> Result:
    body = answer.result or {}
    column = item["kwargs"].get("column") or item["kwargs"].get("column_A")
    if answer.exception_info and answer.exception_info.get("raised_exception"):
        raise RuntimeError(f"{item['type']}({item['kwargs']}) could not run: {answer.exception_info}")
    unexpected, total = int(body.get("unexpected_count") or 0), int(body.get("element_count") or num_rows)
    if answer.success:
        message = "holds"
    elif "unexpected_count" in body:
        examples = ", ".join(str(value) for value in body.get("partial_unexpected_list", [])[:3])
        message = f"{unexpected} of {total} rows break it, for example {_shorten(examples)}"
    else:
        message = f"observed {body.get('observed_value')}"
    kind = item["type"].removeprefix("expect_")
    return Result(kind, column, item["severity"], bool(answer.success), unexpected, total, message, item["why"])


def _shorten(text: str, limit: int = 300) -> str:
    return text if len(text) <= limit else f"{text[:limit]}… ({len(text)} characters)"


def check_grain(frame: DataFrame, table: Table) -> Result:
    """The table's keys identify a row.

    Hashes of 64 bits are counted first: keys of different hashes differ, so the keys themselves, which take several
    times as long, are counted only where two hashes are the same.
    """
    total = repeated = 0
    for key in (F.xxhash64(*table.keys), F.struct(*table.keys)):
        total, distinct = frame.select(F.count("*"), F.countDistinct(key)).first() or (0, 0)
        repeated = int(total - distinct)
        if repeated == 0:
            break
    message = "holds" if repeated == 0 else f"{repeated} of {total} rows repeat a key ({', '.join(table.keys)})"
    return Result("grain", ", ".join(table.keys), "critical", repeated == 0, repeated, int(total), message, "the grain")


def check_numbers(frame: DataFrame, num_rows: int) -> list[Result]:
    """No fraction is NaN or infinite, whichever rules the suite has; a table without fractions has nothing to check."""
    names = [field.name for field in frame.schema if isinstance(field.dataType, FloatType | DoubleType)]
    if not names:
        return []
    # Times zero, a number is zero and what is none is NaN, which a sum keeps.
    sums = frame.agg(*(F.sum(F.col(name) * F.lit(0.0)) for name in names)).first() or ()
    wrong = [name for name, total in zip(names, sums, strict=True) if total is not None and math.isnan(total)]
    is_wrong = reduce(or_, (F.isnan(F.col(name) * F.lit(0.0)) for name in wrong), F.lit(col=False))
    count = frame.where(is_wrong).count() if wrong else 0
    message = f"{count} of {num_rows} rows break it, in {_shorten(', '.join(wrong))}" if wrong else "holds"
    why = "NaN and infinity pass comparisons and spread"
    return [Result("finite_numbers", None, "critical", not wrong, count, num_rows, message, why)]


def cross_checks(night: Night, table: Table) -> list[Result]:
    """Run ``sql/<layer>/<table>/checks.sql``: each query returns the rows that break its rule, the first ones first.

    A query may name ``:ds`` and every setting of the data set, for example ``:late_days``.
    """
    path = ROOT / "sql" / table.layer / table.name / "checks.sql"
    if not path.exists():
        return []
    # Delta's parser drops bound parameters (Spark 4.1, Delta 4.4), so they are read from a view of one row.
    parameters = {**asdict(night.settings.dataset), "ds": night.ds}
    one_row = night.spark.range(1).select(*(F.lit(value).alias(name) for name, value in parameters.items()))
    one_row.createOrReplaceTempView("night")
    results = []
    for block in re.split(r"(?m)^-- check: ", path.read_text())[1:]:
        header, query = block.split("\n", 1)
        name, severity = header.split()
        for other in BY_NAME.values():
            view = other.full_name.replace(".", "_")
            if re.search(rf"\b{view}\b", query):
                night.read(other.full_name).createOrReplaceTempView(view)
        broken = night.spark.sql(re.sub(r":(\w+)", r"(SELECT \1 FROM night)", query.strip().rstrip(";")))
        rows = [_shorten(str(row.asDict())) for row in broken.limit(3).collect()]
        count = broken.count() if rows else 0
        message = "holds" if count == 0 else f"{count} rows break it, for example [{', '.join(rows)}]"
        results.append(Result(name, None, severity, count == 0, count, 0, message, "cross-table rule"))
    return results


def run_gate(night: Night, name: str, since: int = -1) -> TableVerdict:
    """Check what the night may have written to table ``name``, write the verdict and return it.

    Its ``rows`` are those written after version ``since`` of the table, ``rows_checked`` those of the days that the
    gate looks at: a night of late events writes few rows of many days.
    """
    started = time.monotonic()
    table = BY_NAME[name]
    frame = night.read(name)
    if table.partition == "ds" and table.stage not in ("features", "examples"):
        frame = frame.where(F.col("ds") == F.lit(night.ds))
    elif table.partition is not None:
        frame = frame.where(F.col(table.partition) <= F.lit(night.ds))
        days_back = gated_days(night.settings.dataset)
        frame = frame.where(F.col(table.partition) >= F.date_sub(F.lit(night.ds), days_back))
    grain = check_grain(frame, table)
    num_rows = grain.element_count
    results = [grain, *check_numbers(frame, num_rows), *expect(frame, load_suite(table), num_rows)]
    results += cross_checks(night, table)
    verdict: TableVerdict = {
        "table": name,
        "ds": night.ds.isoformat(),
        "settings": night.settings_hash,
        "success": all(result.success for result in results if result.severity == "critical"),
        "rows": night.lake.rows_written(name, since),
        "rows_checked": num_rows,
        "seconds": round(time.monotonic() - started, 2),
        "results": [cast("RuleResult", asdict(result)) for result in results],
    }
    night.files.verdict(name).write(verdict)
    return verdict


def gated_days(dataset: Dataset) -> int:
    """Days back that a night may have written: late data for logs, the training window and a day for features."""
    return max(dataset.training_days, dataset.late_days) + 1
