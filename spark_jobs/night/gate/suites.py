"""Expectation suites: ``expectations/<layer>/<table>.json``, run by Great Expectations on a gate's rows."""

import itertools
import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from contracts.pipeline.table import Table
from contracts.run_records import RuleResult
from spark_jobs.night.gate.rows import Rows

ROOT = Path(__file__).resolve().parents[3]
SEVERITIES = ("critical", "warning")
NUM_EXAMPLES = 3
LONGEST_EXAMPLE = 300


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


def named_columns(expectations: Sequence[dict[str, Any]]) -> set[str]:
    """The columns that a suite names."""
    named = {value for item in expectations for key, value in item["kwargs"].items() if key.startswith("column")}
    return {name for value in named for name in ([value] if isinstance(value, str) else value)}


def expect(rows: Rows, expectations: Sequence[dict[str, Any]], num_rows: int) -> list[RuleResult]:
    """Run Great Expectations on ``rows``, of which there are ``num_rows``.

    There are two passes for any number of rules: one checks all rules, one gets examples for broken ones.
    """
    if not expectations:
        return []
    import great_expectations as gx  # noqa: PLC0415 - see spark_jobs.night.gate.gate.prepare

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False, "metric_calculations": False}
    asset = rows.asset(context)
    batch = asset.add_batch_definition_whole_dataframe("all")
    passes = itertools.count(1)

    def answers(items: Sequence[dict[str, Any]], result_format: str) -> list[Any]:
        kinds = [gx.expectations.core.__dict__[_class_name(item["type"])] for item in items]
        rules = [kind(**item["kwargs"]) for kind, item in zip(kinds, items, strict=True)]
        # It turns whole limits into floats and answers grouped by column, so each answer is matched to its rule by
        # type and arguments, as the rule holds them before it belongs to a suite.
        identities = [_identity(rule.configuration.type, rule.configuration.kwargs) for rule in rules]
        name = f"pass {next(passes)}"
        suite = context.suites.add(gx.ExpectationSuite(name=name, expectations=rules))
        definition = gx.ValidationDefinition(name=name, data=batch, suite=suite)
        parameters = {"dataframe": rows.columns(sorted(named_columns(items)))}
        outcome = definition.run(batch_parameters=parameters, result_format=result_format)
        by_identity = {_identity(a.expectation_config.type, a.expectation_config.kwargs): a for a in outcome.results}
        return [by_identity[name] for name in identities]

    first = [a for items in _batched(expectations, rows.rules_at_once) for a in answers(items, "BOOLEAN_ONLY")]
    broken = [at for at, answer in enumerate(first) if not answer.success]
    shown = dict(zip(broken, answers([expectations[at] for at in broken], "SUMMARY"), strict=True)) if broken else {}
    return [
        _result(item, shown.get(at, answer), num_rows)
        for at, (item, answer) in enumerate(zip(expectations, first, strict=True))
    ]


def _batched(items: Sequence[dict[str, Any]], size: int) -> Iterator[Sequence[dict[str, Any]]]:
    return (items[start : start + size] for start in range(0, len(items), size))


def _class_name(kind: str) -> str:
    return "".join(part.capitalize() for part in kind.split("_"))


def _identity(kind: str, kwargs: dict[str, Any]) -> str:
    return json.dumps([kind, {k: v for k, v in kwargs.items() if k != "batch_id"}], sort_keys=True, default=str)


def _result(item: dict[str, Any], answer: Any, num_rows: int) -> RuleResult:
    body = answer.result or {}
    if answer.exception_info and answer.exception_info.get("raised_exception"):
        raise RuntimeError(f"{item['type']}({item['kwargs']}) could not run: {answer.exception_info}")
    unexpected, total = int(body.get("unexpected_count") or 0), int(body.get("element_count") or num_rows)
    if answer.success:
        message = "holds"
    elif "unexpected_count" in body:
        examples = ", ".join(_shown(value) for value in body.get("partial_unexpected_list", [])[:NUM_EXAMPLES])
        message = f"{unexpected} of {total} rows break it, for example {shorten(examples)}"
    else:
        message = f"observed {body.get('observed_value')}"
    return {
        "expectation": item["type"].removeprefix("expect_"),
        "column": item["kwargs"].get("column") or item["kwargs"].get("column_A"),
        "severity": item["severity"],
        "success": bool(answer.success),
        "unexpected_count": unexpected,
        "element_count": total,
        "message": message,
        "why": item["why"],
    }


def _shown(value: Any) -> str:
    """A value in words that are the same for Spark and for pandas."""
    if isinstance(value, tuple | list):
        return f"({', '.join(_shown(part) for part in value)})"
    plain = value.item() if isinstance(value, np.generic) else value
    return plain.replace(tzinfo=None).isoformat(sep=" ") if isinstance(plain, datetime) else str(plain)


def shorten(text: str) -> str:
    """The text, or its beginning and length if it is long."""
    return text if len(text) <= LONGEST_EXAMPLE else f"{text[:LONGEST_EXAMPLE]}… ({len(text)} characters)"
