"""Features of the friendship graph: communities, friends in common, suggestions."""
