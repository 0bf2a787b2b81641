"""Rules across tables: ``sql/<layer>/<table>/checks.sql``, where each query returns the rows that break its rule.

A query may name ``:ds``, ``:as_of`` (the instant at which that day ends), ``:heavy_candidates``, and every setting of
the data set, for example ``:late_days``. DuckDB runs it if its tables are small, else Spark. So it uses SQL that both
understand, and the functions of ``FUNCTIONS``.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

import duckdb
from pyspark.sql import SparkSession

from contracts.candidate_sources import CANDIDATE_SOURCES
from contracts.pipeline import BY_NAME
from contracts.pipeline.table import Table
from contracts.run_records import RuleResult
from contracts.visibility import ADMITTING
from spark_jobs.night.gate.small_tables import SmallTable
from spark_jobs.night.gate.suites import NUM_EXAMPLES, ROOT, shorten
from spark_jobs.night.night import Night


@dataclass(frozen=True)
class Function:
    """A function: its parameters in Spark, and what it returns in each engine.

    The engines index lists from 0 and from 1, and have different functions with lambdas.
    """

    parameters: str
    returns: str
    in_spark: str
    in_duckdb: str


_TYPES = " ".join(f"WHEN '{source.name}' THEN '{source.source_type}'" for source in CANDIDATE_SOURCES)
_TYPE_OF_SOURCE = f"CASE x {_TYPES} ELSE 'unknown' END"
_IS_SHARED = f"x IN ({', '.join(repr(privacy) for privacy in ADMITTING)})"

FUNCTIONS = {
    "type_of_source": Function("x STRING", "STRING", _TYPE_OF_SOURCE, _TYPE_OF_SOURCE),
    "is_shared": Function("x STRING", "BOOLEAN", _IS_SHARED, _IS_SHARED),
    "first_of": Function("x ARRAY<STRING>", "STRING", "get(x, 0)", "x[1]"),
    "all_between": Function(
        "x ARRAY<DOUBLE>, low DOUBLE, high DOUBLE",
        "BOOLEAN",
        "FORALL(x, e -> e BETWEEN low AND high)",
        "len(list_filter(x, lambda e: e BETWEEN low AND high)) = len(x)",
    ),
    "all_finite": Function(
        "x ARRAY<DOUBLE>",
        "BOOLEAN",
        "FORALL(x, e -> e IS NOT NULL AND NOT ISNAN(e) AND ABS(e) <> DOUBLE('infinity'))",
        "len(list_filter(x, lambda e: isfinite(e))) = len(x)",
    ),
    "total": Function(
        "x ARRAY<DOUBLE>",
        "DOUBLE",
        "AGGREGATE(x, DOUBLE(0), (total, e) -> total + e)",
        "if(len(x) = 0, 0.0, list_sum(x))",
    ),
    "squared_length": Function(
        "x ARRAY<DOUBLE>",
        "DOUBLE",
        "AGGREGATE(x, DOUBLE(0), (total, e) -> total + e * e)",
        "if(len(x) = 0, 0.0, list_inner_product(x, x))",
    ),
}
"""Each function is null for a null vector, and not true for a vector with null elements."""

_IN_DUCKDB_ONLY = {
    "date_sub(day, days)": "CAST(day AS DATE) - CAST(days AS INTEGER)",
    "date_add(day, days)": "CAST(day AS DATE) + CAST(days AS INTEGER)",
    "size(x)": "len(x)",
}
"""Functions of Spark that DuckDB lacks."""


@dataclass(frozen=True)
class Check:
    """One rule: ``query`` returns the rows that break it."""

    name: str
    severity: str
    query: str

    @property
    def tables(self) -> tuple[str, ...]:
        """Tables of the lake that it reads; the query names ``layer.table`` as ``layer_table``."""
        return tuple(name for name in BY_NAME if re.search(rf"\b{view_of(name)}\b", self.query))

    def written_for(self, parameters: Mapping[str, Any]) -> str:
        """The query with the values of its parameters."""
        return re.sub(r"(?<!:):([a-z]\w*)", lambda match: _literal(parameters[match[1]]), self.query)


def view_of(name: str) -> str:
    """The name of a table in a check."""
    return name.replace(".", "_")


def load_checks(table: Table) -> Iterator[Check]:
    """The table's checks, in the order of their file; none if there is no file."""
    path = ROOT / "sql" / table.layer / table.name / "checks.sql"
    if path.exists():
        for block in re.split(r"(?m)^-- check: ", path.read_text())[1:]:
            header, query = block.split("\n", 1)
            name, severity = header.split()
            yield Check(name, severity, query.strip().rstrip(";"))


def cross_checks(night: Night, table: Table) -> list[RuleResult]:
    """Run every check of ``table``."""
    checks = list(load_checks(table))
    settings = night.settings
    parameters = {**asdict(settings.dataset), "heavy_candidates": settings.heavy_candidates}
    parameters |= {"ds": night.ds, "as_of": night.as_of}
    opened = {}
    for name in dict.fromkeys(name for check in checks for name in check.tables):
        night.lake.create(name)
        opened[name] = SmallTable.at(night.lake.place_of(name))
    most = settings.gate_in_memory_mb * 2**20
    are_small = [sum(opened[name].num_bytes for name in check.tables) <= most for check in checks]
    if not all(are_small):
        define_functions(night.spark)
    results = []
    for check, is_small in zip(checks, are_small, strict=True):
        query = check.written_for(parameters)
        named = {name: opened[name] for name in check.tables}
        results.append(_result(check, *(ask_duckdb(named, query) if is_small else ask_spark(night, check, query))))
    return results


def _result(check: Check, count: int, rows: list[dict[str, Any]]) -> RuleResult:
    shown = ", ".join(shorten(str(row)) for row in rows)
    return {
        "expectation": check.name,
        "column": None,
        "severity": check.severity,
        "success": count == 0,
        "unexpected_count": count,
        "element_count": 0,
        "message": f"{count} rows break it, for example [{shown}]" if count else "holds",
        "why": "cross-table rule",
    }


def ask_duckdb(tables: Mapping[str, SmallTable], query: str) -> tuple[int, list[dict[str, Any]]]:
    """How many rows ``query`` returns, and the first of them."""
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'; SET enable_progress_bar = false")
        for name, function in FUNCTIONS.items():
            names = ", ".join(parameter.split()[0] for parameter in function.parameters.split(","))
            connection.execute(f"CREATE MACRO {name}({names}) AS {function.in_duckdb}")
        for signature, body in _IN_DUCKDB_ONLY.items():
            connection.execute(f"CREATE MACRO {signature} AS {body}")
        for name, table in tables.items():
            connection.register(view_of(name), table.dataset())
        broken: Any = connection.sql(query).to_arrow_table()
    rows = broken.slice(0, NUM_EXAMPLES).to_pylist()
    return broken.num_rows, [{name: _without_zone(value) for name, value in row.items()} for row in rows]


def _without_zone(value: Any) -> Any:
    """An instant as Spark shows it: in UTC, without a zone."""
    return value.replace(tzinfo=None) if isinstance(value, datetime) else value


def ask_spark(night: Night, check: Check, query: str) -> tuple[int, list[dict[str, Any]]]:
    """The same on Spark, by temporary views of the session, which has the functions of checks."""
    for name in check.tables:
        night.read(name).createOrReplaceTempView(view_of(name))
    broken = night.spark.sql(query)
    rows = [row.asDict() for row in broken.limit(NUM_EXAMPLES).collect()]
    return broken.count() if rows else 0, rows


def define_functions(spark: SparkSession) -> None:
    """Define the functions of checks in the session."""
    for name, function in FUNCTIONS.items():
        spark.sql(
            f"CREATE OR REPLACE TEMPORARY FUNCTION {name}({function.parameters}) "
            f"RETURNS {function.returns} RETURN {function.in_spark}"
        )


def _literal(value: Any) -> str:
    if isinstance(value, datetime):
        return f"CAST('{value:%Y-%m-%d %H:%M:%S}' AS TIMESTAMP)"
    if isinstance(value, date):
        return f"DATE '{value.isoformat()}'"
    if isinstance(value, bool):
        return str(value).upper()
    return f"'{value}'" if isinstance(value, str) else repr(value)
