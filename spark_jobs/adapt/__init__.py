"""Adapters: other people's data as a landing area that follows ``contracts/landing.py``."""
