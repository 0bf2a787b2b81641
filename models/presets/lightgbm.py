"""Boosted trees in place of a network, for a small deployment."""

from models.preset import Boosting, TreePreset


def lightgbm() -> TreePreset:
    """At most 300 trees of 31 leaves for each head."""
    boosting = Boosting(
        rounds=300,
        patience=20,
        learning_rate=0.08,
        leaves=31,
        leaf_curvature=10.0,
        inputs_share=0.5,
        bins=63,
        ridge=1.0,
    )
    return TreePreset("lightgbm", boosting)
