"""What another policy would have earned, from a log whose propensities are known."""
