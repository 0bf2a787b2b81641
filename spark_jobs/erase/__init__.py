"""Erase a person's rows, table history and keys, and prove it. Not a stage of a night: see docs/erasure.md."""
