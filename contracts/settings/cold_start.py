"""What is done for users, posts and creators of whom little is known."""

from dataclasses import dataclass
from typing import Annotated

from contracts.settings.kinds import Bounds, Count, Gain, Share


@dataclass(frozen=True)
class NewUsers:
    """A user is new below ``known_acts`` likes, comments and shares in the activity window (``docs/candidates.md``).

    What new users are offered is ordered by what their ``demographic`` answers, ``popularity`` and the ``interests``
    that they chose at onboarding. Nights in which they engage less than ``alert_below`` of the average are told.
    """

    known_acts: Count = 5
    demographic: Gain = 0.3
    popularity: Gain = 0.5
    interests: Gain = 0.2
    alert_below: Share = 0.5


@dataclass(frozen=True)
class NewPosts:
    """By what new posts are offered: their ``creator``, what like posts earned, ``affinity``, and a draw.

    ``content`` is the rate of engagement of the ``neighbours`` nearest posts that somebody answered. The sum counts
    ``good_creator_gain`` times where a creator's rate exceeds ``good_creator_rate``.
    """

    creator: Gain = 0.4
    content: Gain = 0.3
    affinity: Gain = 0.2
    draw: Gain = 0.1
    neighbours: Annotated[int, Bounds(1, 1_000)] = 100
    good_creator_rate: Share = 0.15
    good_creator_gain: Annotated[float, Bounds(1, 100)] = 1.2
