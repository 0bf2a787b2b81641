"""The two-tower ranker in the sizes of the product."""

from models.networks.two_tower import TwoTower
from models.preset import Optimiser, Preset


def base() -> Preset:
    """Towers of 256, 512 and 256."""
    sizes = TwoTower.Sizes(tower=(256, 512, 256), shared=256, head=(128, 64), dropout=0.2)
    return Preset("base", "two_tower", sizes, Optimiser(learning_rate=1e-4, batch_size=1024))
