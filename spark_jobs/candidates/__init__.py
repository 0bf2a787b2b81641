"""Candidates: the posts that may be ranked for each user."""
