"""Promotion: judge the night's new model before it scores anything."""
