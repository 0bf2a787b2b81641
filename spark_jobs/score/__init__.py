"""Scoring: a post's vectors once per post, then every candidate of every user."""
