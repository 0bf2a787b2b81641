"""Training examples: exposures with features as of their instant and labels that have matured."""
