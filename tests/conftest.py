"""Tests run in three environments; Spark's fixtures exist only where Spark and Delta do."""

from importlib.util import find_spec

pytest_plugins = ["tests.spark_fixtures"] if find_spec("delta") else []
