"""How texts are read, and what people say of posts."""

from dataclasses import dataclass


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
