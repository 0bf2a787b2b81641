"""Adapters: convert other sources to a landing area that follows ``contracts/landing.py``."""
