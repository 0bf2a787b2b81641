"""Evaluation: how well the night's model ranks days that it never saw."""
