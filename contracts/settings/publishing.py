"""What is published, kept and erased."""

from dataclasses import dataclass


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
    ``min_free_share`` of the memory limit must remain free after the load. A rollback goes to an epoch that has
    ``min_rollback_share`` of its pools left; those of people erased since are missing.
    """

    key_ttl_s: int = 7 * 86_400
    takedown_days: int = 30
    keys_per_batch: int = 500
    timeout_s: float = 10.0
    bytes_per_key: int = 200
    min_free_share: float = 0.05
    min_rollback_share: float = 0.5


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
