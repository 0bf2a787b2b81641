"""Replays pages that were served. It reads the lake as the publisher does and assembles pages as the reader does."""
