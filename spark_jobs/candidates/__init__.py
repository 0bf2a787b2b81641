"""Which posts may be ranked for whom."""
