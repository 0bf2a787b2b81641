"""Estimate the reward of another policy from a log with known propensities."""
