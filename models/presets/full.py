"""The ranker of explicit and learned products, for a GPU."""

from models.networks.deep_cross import DeepCross
from models.preset import Optimiser, Preset


def full() -> Preset:
    """Some 100 million parameters."""
    sizes = DeepCross.Sizes(factors=256, shared=8192, second=8192, head=576, dropout=0.2, input_dropout=0.1)
    optimiser = Optimiser(
        learning_rate=2e-4, batch_size=16_384, weight_decay=0.3, warmup_share=0.05, decays=True, patience=2
    )
    return Preset("full", "deep_cross", sizes, optimiser, epochs=3)
