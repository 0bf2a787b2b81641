"""Erasing a person: their rows, their history, their keys; and the proof. No stage of a night: see docs/erasure.md."""
