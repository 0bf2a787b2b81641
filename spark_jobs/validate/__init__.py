"""Validate a landing area from its files alone, without Spark and without a lake."""
