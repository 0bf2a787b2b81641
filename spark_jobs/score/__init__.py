"""Scoring: post towers once per post, then every candidate of every user."""
