"""Promotion: the night's new model is judged before anything is scored by it."""
