"""The ranker of explicit and learned products, for one machine."""

from models.networks.deep_cross import DeepCross
from models.preset import Optimiser, Preset


def deep_cross() -> Preset:
    """Some 60,000 parameters."""
    sizes = DeepCross.Sizes(factors=16, shared=96, second=48, head=16, dropout=0.2, input_dropout=0.1)
    optimiser = Optimiser(
        learning_rate=2e-3, batch_size=512, weight_decay=0.3, warmup_share=0.05, decays=True, patience=2
    )
    return Preset("deep_cross", "deep_cross", sizes, optimiser, epochs=3)
