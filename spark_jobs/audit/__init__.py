"""Checks of a whole night that can stop its publication."""
