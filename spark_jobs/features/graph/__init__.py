"""What the friendship graph tells: communities, friends in common, suggestions."""
