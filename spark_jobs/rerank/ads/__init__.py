"""Ads of pools: where they may be, and which campaign gets which place."""
