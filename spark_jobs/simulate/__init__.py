"""The simulator: a synthetic social network and its daily logs, with a known truth, as a landing area."""

from spark_jobs.simulate.job import simulate
from spark_jobs.simulate.respond import respond

__all__ = ["respond", "simulate"]
