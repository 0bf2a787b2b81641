"""The light ranker: a student of the heavy one that costs little per pair."""

from models.networks.factored import Factored
from models.preset import Optimiser, Preset


def light() -> Preset:
    """Some 25,000 parameters."""
    sizes = Factored.Sizes(hidden=64, factors=16, segments=3, dropout=0.1, input_dropout=0.1)
    optimiser = Optimiser(
        learning_rate=2e-3, batch_size=512, weight_decay=0.1, warmup_share=0.05, decays=True, patience=2
    )
    return Preset("light", "factored", sizes, optimiser, epochs=3, teacher_share=0.5)
