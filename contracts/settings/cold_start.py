"""Settings for users, posts and creators about which little is known."""

from dataclasses import dataclass
from typing import Annotated

from contracts.settings.kinds import Bounds, Count, Gain, Share


@dataclass(frozen=True)
class NewUsers:
    """A user is new below ``known_acts`` likes, comments and shares in the activity window (``docs/candidates.md``).

    Posts for new users are ordered by the rate of engagement in their ``demographic``, by ``popularity`` and by the
    ``interests`` that they chose at onboarding. A night reports if they engage less than ``alert_below`` of the
    average.
    """

    known_acts: Count = 5
    demographic: Gain = 0.3
    popularity: Gain = 0.5
    interests: Gain = 0.2
    alert_below: Share = 0.5


@dataclass(frozen=True)
class NewPosts:
    """Weights that order new posts: ``creator``, ``content``, ``affinity``, and a draw.

    ``creator`` weighs the author's rate of engagement, ``content`` that of the ``neighbours`` nearest posts that have
    engagements. The sum is multiplied by ``good_creator_gain`` if the creator's rate exceeds ``good_creator_rate``.
    """

    creator: Gain = 0.4
    content: Gain = 0.3
    affinity: Gain = 0.2
    draw: Gain = 0.1
    neighbours: Annotated[int, Bounds(1, 1_000)] = 100
    good_creator_rate: Share = 0.15
    good_creator_gain: Annotated[float, Bounds(1, 100)] = 1.2
