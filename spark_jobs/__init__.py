"""Spark jobs: one folder per stage, one file per table."""
