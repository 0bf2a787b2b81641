"""Publish: build an epoch in Redis beside the live one, and make it current."""
