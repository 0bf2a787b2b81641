"""Boosted trees in place of a network, for a small deployment."""

from models.preset import Boosting, TreePreset


def lightgbm() -> TreePreset:
    """At most 200 trees of 31 leaves for each head."""
    boosting = Boosting(
        rounds=200,
        patience=15,
        learning_rate=0.1,
        leaves=31,
        leaf_curvature=10.0,
        inputs_share=0.3,
        bins=63,
        ridge=1.0,
    )
    return TreePreset("lightgbm", boosting)
