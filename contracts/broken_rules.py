"""How a gate's verdict is told to people: the same words in a job's log, in the Airflow UI and in the demo."""

from contracts.run_files import RuleResult


def describe_rule(table: str, result: RuleResult) -> str:
    """Table, rule, column where it is about one, and rows of one result of a verdict."""
    of = f"({result['column']})" if result["column"] else ""
    return f"{table} {result['expectation']}{of}: {result['message']}"
