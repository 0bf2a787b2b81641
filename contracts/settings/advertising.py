"""Which ads are shown, where, and how often."""

from dataclasses import dataclass
from typing import Annotated

from contracts.landing import LABELS
from contracts.settings.kinds import Bounds, Count, Days, InnerShare, OneOf, Positive


@dataclass(frozen=True)
class AdRules:
    """One ad follows ``every`` posts of a pool (``docs/ads.md``); with 0, there are no ads.

    For users who ask for ``fewer_ads`` it is one in ``every_for_fewer``. No ad is beside a post with a label of
    ``sensitive``. One ad is at most ``max_per_ad`` times in a pool, or as often as its own frequency cap says. An
    ``even`` campaign with neither a daily budget nor an end spreads its money over ``even_days``. The click rate of an
    ad is shrunk to ``prior_click_rate``, with the weight of ``prior_views`` impressions.

    Users are split by hash into groups of about ``users_per_group``. Each has its share of every campaign's money, so
    groups need not know of each other.
    """

    every: Annotated[int, Bounds(0, 1_000)] = 8
    every_for_fewer: Annotated[int, Bounds(1, 1_000)] = 16
    sensitive: Annotated[tuple[str, ...], OneOf(LABELS)] = ("nsfw", "misinformation")
    max_per_ad: Count = 4
    even_days: Days = 7
    prior_click_rate: InnerShare = 0.03
    prior_views: Positive = 500.0
    users_per_group: Annotated[int, Bounds(1, 100_000)] = 4_096
