"""Tests run in three environments; Spark's fixtures and Hypothesis exist only where their packages do."""

from importlib.util import find_spec

pytest_plugins = ["tests.spark_fixtures"] if find_spec("delta") else []

if find_spec("hypothesis"):
    from hypothesis import settings

    # Spark plans a query in seconds, so no example has a deadline; examples are the same on every machine.
    settings.register_profile("feedlake", deadline=None, derandomize=True, database=None)
    settings.load_profile("feedlake")
