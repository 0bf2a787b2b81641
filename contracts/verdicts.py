"""How a gate's verdict is told to people: the same words in a job's log, in the Airflow UI and in the demo."""

from typing import Any


def describe_rule(table: str, result: dict[str, Any]) -> str:
    """Table, rule, column where it is about one, and rows of one result of a verdict, see spark_jobs/gate.py."""
    of = f"({result['column']})" if result["column"] else ""
    return f"{table} {result['expectation']}{of}: {result['message']}"
