"""The final order of every pool."""
