"""Explain a post's place in a user's pool, or at which stage it was lost; for its author too."""
