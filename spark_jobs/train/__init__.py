"""Training: hands the pinned snapshot to the training environment and gates the registry row it writes."""
