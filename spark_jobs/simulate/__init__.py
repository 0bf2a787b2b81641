"""The simulator: a synthetic social network and its daily logs, with a known truth, as a landing area."""

from spark_jobs.simulate.job import simulate

__all__ = ["simulate"]
