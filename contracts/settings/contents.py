"""How texts are read, and how content labels are learnt."""

from dataclasses import dataclass
from typing import Annotated

from contracts.settings.kinds import Bounds, Count, Days, InnerShare, Positive, Share


@dataclass(frozen=True)
class Content:
    """Content models (``docs/content.md``): refitted every ``refit_days`` on at most ``sample_posts`` posts.

    These posts are older than the training window; if there are too few, they are those of the first days that have
    ``fewest_posts``. A sentence encoder, if one is installed, is projected by the first ``sample_sentences`` of them.
    A word in fewer than ``min_posts`` posts is left out. At most ``max_words`` of a text are read.
    Below ``min_language_confidence`` a text has no language.
    """

    refit_days: Days = 14
    sample_posts: Count = 20_000
    sample_sentences: Count = 5_000
    fewest_posts: Count = 100
    min_posts: Count = 2
    max_words: Annotated[int, Bounds(1, 100_000)] = 512
    min_language_confidence: Share = 0.3


@dataclass(frozen=True)
class Labels:
    """Label models (``docs/content.md``): refitted every ``refit_days`` on at most ``sample_posts``.

    The ``_share`` of a label is its assumed share of all posts; judged posts are not a fair sample. A person is right
    with probability ``human_accuracy``, a fact checker with ``checker_accuracy``. A label has a model only if at least
    ``fewest_posts`` posts are clearly judged to have it, and as many not to. ``shrinkage`` draws coefficients to 0; a
    word in fewer than ``min_posts`` judged posts has none. Quality is measured by cross-validation with ``folds``
    folds. An author's rate is drawn to the share, with the weight of verdicts of ``author_strength`` log odds. A night
    queues ``queue_posts`` posts per label with fewer than ``enough_verdicts``; every ``random_every``-th is drawn at
    random.
    """

    refit_days: Days = 14
    sample_posts: Count = 20_000
    fewest_posts: Count = 20
    min_posts: Count = 2
    folds: Annotated[int, Bounds(2, 100)] = 5
    shrinkage: Positive = 1.0
    human_accuracy: Annotated[float, Bounds(0.5, 1, inside=True)] = 0.9
    checker_accuracy: Annotated[float, Bounds(0.5, 1, inside=True)] = 0.97
    clickbait_share: InnerShare = 0.065
    nsfw_share: InnerShare = 0.01
    misinformation_share: InnerShare = 0.018
    author_strength: Positive = 10.0
    queue_posts: Count = 50
    random_every: Annotated[int, Bounds(2, 1_000_000)] = 10
    enough_verdicts: Count = 2

    @property
    def shares(self) -> dict[str, float]:
        """Share of all posts per label of ``contracts.landing.LABELS``."""
        return {
            "clickbait": self.clickbait_share,
            "nsfw": self.nsfw_share,
            "misinformation": self.misinformation_share,
        }
