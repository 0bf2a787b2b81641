"""How features are counted, smoothed and bounded."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from contracts.settings.kinds import Bounds, Count, CountOrNone, Milliseconds, Positive, Share


@dataclass(frozen=True)
class Smoothing:
    """Empirical-Bayes priors of rates: ``rate = (count + mean * strength) / (trials + strength)``.

    A mean is no setting: it is the registry's default of its feature, and so part of the feature schema.
    ``onboarding_share`` of a user's interest prior goes to the topics chosen at onboarding, if there are any.
    ``profile_strength`` smooths the shares of the kinds of posts that somebody writes or likes, of which there are few.
    """

    like_mean: ClassVar[float] = 0.08
    comment_mean: ClassVar[float] = 0.02
    share_mean: ClassVar[float] = 0.01
    click_mean: ClassVar[float] = 0.06
    negative_mean: ClassVar[float] = 0.01
    hide_mean: ClassVar[float] = 0.0075
    report_mean: ClassVar[float] = 0.0025
    engagement_mean: ClassVar[float] = 0.12
    completion_mean: ClassVar[float] = 0.2
    read_mean: ClassVar[float] = 0.15
    dwell_mean_s: ClassVar[float] = 3.0
    weekend_mean: ClassVar[float] = 2 / 7
    day_part_mean: ClassVar[float] = 0.25
    mobile_mean: ClassVar[float] = 0.5
    tablet_mean: ClassVar[float] = 0.1
    desktop_mean: ClassVar[float] = 0.4
    connection_mean: ClassVar[float] = 0.5
    city_mean: ClassVar[float] = 0.25
    interest_mean: ClassVar[float] = 0.1
    onboarding_share: Share = 0.5
    strength: Positive = 20.0
    profile_strength: Positive = 5.0


@dataclass(frozen=True)
class FeatureRules:
    """Definitions of words in the feature registry.

    A view is ``read`` after ``read_ms`` and a video ``completed`` after ``completion_ms`` of dwell (the landing
    contract has no lengths of videos); one dwell counts for at most ``max_dwell_ms``. A friend is ``close`` from
    ``close_interactions`` engagements in the activity window, a person ``influential`` from ``influential_audience``
    friends and page followers. Social proof looks at the ``proof_friends`` closest friends of a viewer and the
    ``proof_authors`` authors that each of them engaged with last. Texts are short below ``short_text`` characters and
    long from ``long_text``. A country or city is known from ``location_users`` users of the training rows; the
    ``user_cities`` cities with most impressions of a user are kept.
    """

    read_ms: Milliseconds = 5_000
    completion_ms: Milliseconds = 10_000
    max_dwell_ms: Milliseconds = 600_000
    close_interactions: Count = 3
    influential_audience: Count = 100
    proof_friends: Count = 50
    proof_authors: Count = 200
    short_text: Count = 80
    long_text: Count = 200
    location_users: Count = 5
    user_cities: Count = 20


@dataclass(frozen=True)
class CommunityRules:
    """How communities are found (``docs/communities.md``).

    A level has at most ``max_sweeps`` sweeps and ends when a sweep moves at most ``min_moved_share`` of its nodes. A
    graph of at most ``one_task_edges`` directed edges is finished in the memory of one task: about 0.15 KB per edge.
    """

    max_sweeps: Annotated[int, Bounds(1, 1_000)] = 10
    min_moved_share: Share = 0.01
    one_task_edges: CountOrNone = 30_000_000


@dataclass(frozen=True)
class SuggestionRules:
    """People a user may know: ``per_user`` of them, by common friends with at most ``most_friends`` friends."""

    per_user: Annotated[int, Bounds(1, 10_000)] = 20
    most_friends: Count = 100
