"""Evaluation: how well the night's model ranks held-out days."""
