"""How features are counted, smoothed and bounded."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Smoothing:
    """Empirical-Bayes priors of rates: ``rate = (count + mean * strength) / (trials + strength)``.

    A mean is also the registry's default of its feature. ``onboarding_share`` of a user's interest prior goes to the
    topics chosen at onboarding, where there are any; ``profile_strength`` smooths what kinds of posts somebody writes
    or likes, of which there are few.
    """

    like_mean: float = 0.08
    comment_mean: float = 0.02
    share_mean: float = 0.01
    click_mean: float = 0.06
    negative_mean: float = 0.01
    hide_mean: float = 0.0075
    report_mean: float = 0.0025
    engagement_mean: float = 0.12
    completion_mean: float = 0.2
    read_mean: float = 0.15
    dwell_mean_s: float = 3.0
    weekend_mean: float = 2 / 7
    day_part_mean: float = 0.25
    mobile_mean: float = 0.5
    tablet_mean: float = 0.1
    desktop_mean: float = 0.4
    connection_mean: float = 0.5
    city_mean: float = 0.25
    interest_mean: float = 0.1
    onboarding_share: float = 0.5
    strength: float = 20.0
    profile_strength: float = 5.0


@dataclass(frozen=True)
class FeatureRules:
    """What words in the feature registry mean.

    A view is ``read`` after ``read_ms`` and a video ``completed`` after ``completion_ms`` of dwell (the landing
    contract knows no lengths of videos); one dwell counts for at most ``max_dwell_ms``. A friend is ``close`` from
    ``close_interactions`` engagements in the activity window, a person ``influential`` from ``influential_audience``
    friends and page followers. Social proof looks at the ``proof_friends`` closest friends of a viewer and the
    ``proof_authors`` authors that each of them engaged with last. Texts are short below ``short_text`` characters and
    long from ``long_text``. A country or city is known from ``location_users`` users of the training rows; of a user
    the ``user_cities`` cities with most impressions are kept.
    """

    read_ms: int = 5_000
    completion_ms: int = 10_000
    max_dwell_ms: int = 600_000
    close_interactions: int = 3
    influential_audience: int = 100
    proof_friends: int = 50
    proof_authors: int = 200
    short_text: int = 80
    long_text: int = 200
    location_users: int = 5
    user_cities: int = 20


@dataclass(frozen=True)
class CommunityRules:
    """How communities are found (``docs/communities.md``).

    A level has at most ``max_sweeps`` sweeps and ends earlier when at most ``min_moved_share`` of its nodes moved. From
    ``one_task_edges`` directed edges down, a day's graph is finished in the memory of one task: about 0.15 KB per edge.
    """

    max_sweeps: int = 10
    min_moved_share: float = 0.01
    one_task_edges: int = 30_000_000


@dataclass(frozen=True)
class SuggestionRules:
    """People whom a user may know: ``per_user`` of them, by friends in common of at most ``most_friends`` friends."""

    per_user: int = 20
    most_friends: int = 100
