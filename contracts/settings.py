"""Every number of the night that someone may want to change, in one place each.

A landing area may override the ``Dataset`` part in its ``dataset.json``; unknown keys are refused.
"""

import json
from dataclasses import dataclass, field, fields
from typing import Any


@dataclass(frozen=True)
class Dataset:
    """What a landing area says of itself (``dataset.json``).

    ``has_impressions``: false for a source that logs no impressions; then examples are user-level engagements
    plus sampled negatives (``docs/negatives.md``), never invented impressions.
    Windows are in days or hours before the night's as-of.
    """

    name: str = "network"
    has_impressions: bool = True
    training_days: int = 7
    calibration_days: int = 1
    holdout_days: int = 1
    candidate_hours: int = 72
    activity_days: int = 28
    late_days: int = 3
    attribution_hours: int = 24
    dwell_hours: int = 1
    max_quarantined_share: float = 0.05

    def __post_init__(self) -> None:
        """Refuse windows that leave nothing to train on."""
        if self.training_days <= self.calibration_days + self.holdout_days:
            raise ValueError(
                f"dataset.json: training_days ({self.training_days}) must exceed calibration_days + holdout_days "
                f"({self.calibration_days} + {self.holdout_days})"
            )


def parse_dataset(text: str) -> Dataset:
    """Read ``dataset.json``; a misspelt key or a value of the wrong type raises ``ValueError`` naming it."""
    values: dict[str, Any] = json.loads(text)
    known = {item.name: type(item.default) for item in fields(Dataset)}
    for key, value in values.items():
        if key not in known:
            raise ValueError(f"dataset.json: unknown key {key!r}; known keys: {', '.join(sorted(known))}")
        wanted = known[key]
        if type(value) is not wanted and not (wanted is float and type(value) is int):
            raise ValueError(f"dataset.json: {key} must be {wanted.__name__}, not {type(value).__name__}")
    return Dataset(**values)


@dataclass(frozen=True)
class ValueWeights:
    """Expected value per impression: weight per head, half-lives and penalties of the value score."""

    like: float = 1.0
    comment: float = 3.5
    share: float = 8.0
    hide: float = -15.0
    report: float = -40.0
    dwell_per_s: float = 0.05
    age_decay_per_h: float = 0.05
    min_quality: float = 0.1


@dataclass(frozen=True)
class SimpleScore:
    """Weights of the candidate stage's simple score."""

    recency: float = 0.3
    recency_decay_per_h: float = 0.1
    engagement: float = 0.4
    comment: float = 2.0
    share: float = 3.0
    relationship: float = 0.3


@dataclass(frozen=True)
class CandidateLimits:
    """How many candidates each source may propose for one user."""

    friend: int = 5000
    page: int = 3000
    group: int = 200
    suggested: int = 200
    total: int = 10_000
    seen_days: int = 7


@dataclass(frozen=True)
class PoolRules:
    """What a served pool must look like.

    A suggestion is put down to a topic where that topic has at least ``min_topic_interest`` of the user's engagement.
    """

    pool_size: int = 100
    max_per_author: int = 3
    fallback_size: int = 100
    min_topic_interest: float = 0.2


@dataclass(frozen=True)
class AuditThresholds:
    """A value beyond its threshold stops the pointer flip."""

    min_share_with_pool: float = 0.90
    min_median_depth: int = 1
    max_invisible_posts: int = 0
    max_duplicate_posts: int = 0
    max_unknown_posts: int = 0
    max_per_author: int = 3
    churn_depth: int = 50


@dataclass(frozen=True)
class PublishRules:
    """How an epoch is loaded into Redis.

    ``key_ttl_s`` is a backstop of several nights; ``bytes_per_key`` is what Redis itself spends on one key;
    ``min_free_share`` of the memory limit must remain free after the load.
    """

    key_ttl_s: int = 7 * 86_400
    takedown_days: int = 30
    keys_per_batch: int = 500
    timeout_s: float = 10.0
    bytes_per_key: int = 200
    min_free_share: float = 0.05


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
    long from ``long_text``.
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


@dataclass(frozen=True)
class NegativeSampling:
    """Sampled exposures for a source without impressions (``docs/negatives.md``)."""

    per_positive: int = 4
    posts_per_slot: int = 1000


@dataclass(frozen=True)
class Propensities:
    """How examination by position is estimated, and how it weighs examples (``docs/propensities.md``).

    ``signals`` are the engagements that show that a post was looked at; any of them counts once. Positions share an
    estimate until it rests on ``min_engaged`` engaged impressions; beyond ``deepest`` they take the deepest one.
    Regression EM reads at most about ``max_em_examples`` impressions of a surface, chosen by hash.
    ``max_weight`` clips 1 / examined.
    """

    signals: tuple[str, ...] = ("like", "comment", "share", "click")
    min_engaged: int = 100
    deepest: int = 100
    max_em_examples: int = 200_000
    max_weight: float = 10.0


@dataclass(frozen=True)
class Content:
    """Content models (``docs/content.md``): refitted every ``refit_days`` on at most ``sample_posts`` posts.

    They are older than the training window, or of the first days that have ``fewest_posts`` of them. Of a sentence
    encoder, where one is installed, the first ``sample_sentences`` of the sample are enough for a projection.
    Words are hashed into ``num_buckets``; one seen in fewer than ``min_posts`` posts is left out. At most ``max_words``
    of a text are read. Below ``min_language_confidence`` a text has no language.
    """

    refit_days: int = 14
    sample_posts: int = 20_000
    sample_sentences: int = 5_000
    fewest_posts: int = 100
    num_buckets: int = 65_536
    min_posts: int = 2
    max_words: int = 512
    embedding_size: int = 50
    min_language_confidence: float = 0.3


@dataclass(frozen=True)
class Labels:
    """Classifiers of content labels (``docs/content.md``): refitted every ``refit_days`` on at most ``sample_posts``.

    The ``_share`` of a label is that among all posts, as far as anyone knows; the posts that get judged are no fair
    sample. A person is right with ``human_accuracy``, a fact checker with ``checker_accuracy``. Without
    ``fewest_posts`` clearly judged to be something, and as many clearly judged not to be, there is no model of it.
    ``shrinkage`` draws coefficients to 0; a word in fewer than ``min_posts`` judged posts has none. Quality is that of
    ``folds`` parts, each held out once. An author's rate is drawn to the share as if by verdicts of ``author_strength``
    log odds. A night asks for ``queue_posts`` posts per label that have fewer than ``enough_verdicts``; every
    ``random_every``-th of them is drawn at random.
    """

    refit_days: int = 14
    sample_posts: int = 20_000
    fewest_posts: int = 20
    min_posts: int = 2
    folds: int = 5
    shrinkage: float = 1.0
    human_accuracy: float = 0.9
    checker_accuracy: float = 0.97
    clickbait_share: float = 0.065
    nsfw_share: float = 0.01
    misinformation_share: float = 0.018
    author_strength: float = 10.0
    queue_posts: int = 50
    random_every: int = 10
    enough_verdicts: int = 2

    def __post_init__(self) -> None:
        """Refuse a queue of random posts only."""
        if self.random_every < 2:  # noqa: PLR2004
            raise ValueError(
                f"random_every must be at least 2, one uncertain post per random one; it is {self.random_every}"
            )

    @property
    def shares(self) -> dict[str, float]:
        """The share of each label of ``contracts.landing.LABELS`` among all posts."""
        return {
            "clickbait": self.clickbait_share,
            "nsfw": self.nsfw_share,
            "misinformation": self.misinformation_share,
        }


@dataclass(frozen=True)
class Evaluation:
    """Offline evaluation on the held-out days.

    A user is light from ``light_examples`` held-out examples, heavy from ``heavy_examples``, and new below both.
    The bootstrap draws ``resamples`` times from at most ``max_users`` users.
    """

    light_examples: int = 5
    heavy_examples: int = 20
    resamples: int = 1000
    max_users: int = 200_000
    calibration_bins: int = 10


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


@dataclass(frozen=True)
class ErasureRules:
    """Erasing a person, and proving it (``docs/erasure.md``).

    The proof looks for names from ``min_name_characters``, and for the first ``text_characters`` of the ``max_texts``
    longest texts that have ``min_text_characters``. Readers drop a post from their memory within ``reader_refresh_s``.
    """

    min_name_characters: int = 4
    min_text_characters: int = 24
    text_characters: int = 160
    max_texts: int = 20
    reader_refresh_s: float = 3.0


@dataclass(frozen=True)
class Settings:
    """All settings of a night."""

    dataset: Dataset = field(default_factory=Dataset)
    value: ValueWeights = field(default_factory=ValueWeights)
    simple_score: SimpleScore = field(default_factory=SimpleScore)
    candidates: CandidateLimits = field(default_factory=CandidateLimits)
    pool: PoolRules = field(default_factory=PoolRules)
    audit: AuditThresholds = field(default_factory=AuditThresholds)
    publish: PublishRules = field(default_factory=PublishRules)
    smoothing: Smoothing = field(default_factory=Smoothing)
    rules: FeatureRules = field(default_factory=FeatureRules)
    negatives: NegativeSampling = field(default_factory=NegativeSampling)
    propensities: Propensities = field(default_factory=Propensities)
    content: Content = field(default_factory=Content)
    labels: Labels = field(default_factory=Labels)
    evaluation: Evaluation = field(default_factory=Evaluation)
    communities: CommunityRules = field(default_factory=CommunityRules)
    suggestions: SuggestionRules = field(default_factory=SuggestionRules)
    erasure: ErasureRules = field(default_factory=ErasureRules)
    example_files: int = 4
    model_preset: str = "tiny"
    seed: int = 20
