"""Metrics of ranked lists and of groups, with the intervals of their means: pure functions on arrays."""
