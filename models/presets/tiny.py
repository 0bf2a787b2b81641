"""The two-tower ranker of tests and small nights."""

from models.networks.two_tower import TwoTower
from models.preset import Optimiser, Preset


def tiny() -> Preset:
    """Some 50,000 parameters."""
    sizes = TwoTower.Sizes(tower=(64, 32), shared=64, head=(32, 16), dropout=0.2)
    return Preset("tiny", "two_tower", sizes, Optimiser(learning_rate=1e-3, batch_size=256))
