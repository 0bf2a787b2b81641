"""Settings of audit, publish, fresh posts and erasure."""

from dataclasses import dataclass
from typing import Annotated

from contracts.settings.kinds import Bounds, Count, CountOrNone, Days, Seconds, Share, SomeSeconds


@dataclass(frozen=True)
class AuditThresholds:
    """A value beyond its threshold stops the pointer flip.

    ``min_share_with_pool`` of the active users must have a pool; fewer than ``min_without_pool`` users without one
    never stop it: with two users, one is a half, and may have read all posts.

    Where there are ``personal_from_posts`` open posts to choose from, pools must be personal for those who liked,
    commented or shared ``new_users.known_acts`` times in the activity window: two of them share at most ``max_overlap``
    of their posts, at most ``max_share_impersonal`` have a pool of mostly posts that were proposed to everyone, and ten
    authors hold at most ``max_share_of_ten_authors`` of their first ``head_depth`` places.
    """

    min_share_with_pool: Share = 0.90
    min_without_pool: Count = 20
    min_median_depth: CountOrNone = 1
    max_invisible_posts: CountOrNone = 0
    max_duplicate_posts: CountOrNone = 0
    max_unknown_posts: CountOrNone = 0
    max_policy_violations: CountOrNone = 0
    max_seen_posts: CountOrNone = 0
    max_ad_violations: CountOrNone = 0
    personal_from_posts: Count = 500
    max_overlap: Share = 0.5
    max_share_impersonal: Share = 0.3
    max_share_of_ten_authors: Share = 0.5
    head_depth: Count = 16
    max_per_author: Count = 3
    churn_depth: Count = 50


@dataclass(frozen=True)
class PublishRules:
    """How an epoch is loaded into Redis.

    ``key_ttl_s`` is a backstop of several nights; ``bytes_per_key`` is the overhead of Redis for one key;
    ``min_free_share`` of the memory limit must remain free after the load. A rollback goes to an epoch that has
    ``min_rollback_share`` of its pools left; those of people erased since are missing. A new epoch goes to
    ``canary_share`` of the users first, until it is made current; 0: to all at once. Before its flip, about
    ``compared_users`` users of it are compared with the live epoch; 0: none.
    """

    key_ttl_s: Annotated[int, Bounds(3_600, 365 * 86_400)] = 7 * 86_400
    takedown_days: Days = 30
    keys_per_batch: Annotated[int, Bounds(1, 100_000)] = 500
    timeout_s: SomeSeconds = 10.0
    bytes_per_key: Annotated[int, Bounds(0, 1_000_000)] = 200
    min_free_share: Annotated[float, Bounds(0, 0.99)] = 0.05
    min_rollback_share: Share = 0.5
    canary_share: Annotated[float, Bounds(0, 0.99)] = 0.0
    compared_users: Annotated[int, Bounds(0, 100_000)] = 1_000


@dataclass(frozen=True)
class FreshRules:
    """Posts made since the night, in the feeds of their authors' friends (``docs/fresh.md``).

    A user gets at most ``per_author`` posts of an author and ``per_user`` in all, the best ones.
    """

    per_author: Annotated[int, Bounds(1, 100)] = 3
    per_user: Annotated[int, Bounds(1, 100)] = 20


@dataclass(frozen=True)
class ErasureRules:
    """Erasing a person, and proving it (``docs/erasure.md``).

    The proof searches for names of at least ``min_name_characters``, and for the first ``text_characters`` of the
    ``max_texts`` longest texts that have at least ``min_text_characters``. Readers drop a post from their memory within
    ``reader_refresh_s``.
    """

    min_name_characters: Count = 4
    min_text_characters: Count = 24
    text_characters: Count = 160
    max_texts: Count = 20
    reader_refresh_s: Seconds = 3.0
