"""A broken rule in words, the same in a job's log, in the Airflow UI and in the demo."""

from contracts.run_records import RuleResult


def describe_rule(table: str, result: RuleResult) -> str:
    """One result of a table verdict: table, rule, its column if it has one, and how many rows break it."""
    of = f"({result['column']})" if result["column"] else ""
    return f"{table} {result['expectation']}{of}: {result['message']}"
