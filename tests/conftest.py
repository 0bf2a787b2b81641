"""Tests run in three environments; Spark's fixtures exist only where Spark and Delta do."""

import os
from importlib.util import find_spec

# The first compiler alone starts fastest and is enough for the tests' small frames; jobs use both.
os.environ.setdefault("JDK_JAVA_OPTIONS", "-XX:TieredStopAtLevel=1")

pytest_plugins = ["tests.spark_fixtures"] if find_spec("delta") else []
