"""Training: start the training process on a pinned snapshot, and gate the registry row that it writes."""
