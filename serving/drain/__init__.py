"""The drain: moves what the collector took in from its stream to the landing area."""
