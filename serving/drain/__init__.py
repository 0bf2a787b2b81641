"""The drain: moves events from the collector's stream to the landing area."""
