"""The rules of ``contracts.policy`` for tables."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from contracts.landing import LABELS
from contracts.policy import HIDES, RULES, Judged, any_of, broken_rules, flags
from contracts.settings import PolicyRules
from spark_jobs.night.night import Night
from spark_jobs.rules.point_in_time import known_before

FLAGS = {rule: f"is_flagged_{rule}" for rule in RULES}
"""Column of a post per rule: whether the rule withholds it from users to whom the rule applies."""

BROKEN = "broken_rules"
"""Column of a pair: a struct with a boolean per rule."""


@dataclass(frozen=True)
class Policy:
    """``flagged`` is (post_id, ``FLAGS``) of posts with a flag; ``asks`` is (user_id, ``HIDES``) of all known users."""

    flagged: DataFrame
    asks: DataFrame


def read_policy(night: Night, read: Callable[[str], DataFrame] | None = None) -> Policy:
    """The night's policy on posts of the candidate window; ``read`` pins the versions of the tables."""
    table = read or night.read
    verdicts = table("silver.content_labels").where(known_before(night.as_of, "updated_at"))
    flagged = flagged_posts(verdicts, risks_in_window(night, table("gold.content_risks")), night.settings.policy)
    users = table("silver.users").where(known_before(night.as_of, "valid_from"))
    return Policy(flagged, asks_of(users))


def risks_in_window(night: Night, risks: DataFrame) -> DataFrame:
    """Rows of ``gold.content_risks`` that judge posts of the candidate window."""
    oldest = night.as_of - timedelta(hours=night.settings.dataset.candidate_hours)
    # A text is not judged before the night of the day on which it was written.
    return risks.where(F.col("ds").between(F.lit(oldest.date()), F.lit(night.ds)))


def newest_risks(risks: DataFrame) -> DataFrame:
    """(post_id, ``LABELS``): the risks of each post's newest text, by the newest models."""
    newest = F.max_by(F.struct(*LABELS), F.struct("text_at", "ds")).alias("_risk")
    return risks.groupBy("post_id").agg(newest).select("post_id", "_risk.*")


def flagged_posts(verdicts: DataFrame, risks: DataFrame, rules: PolicyRules) -> DataFrame:
    """(post_id, ``FLAGS``) of the posts with a flag. A verdict counts until it is withdrawn, also after an edit.

    The risk is that of the newest text, by the newest models; a post that no model has judged has none.
    """
    gives = {label: F.col("value") & (F.col("label") == label) for label in LABELS}
    refutes = gives["misinformation"] & (F.col("labeller_type") == "fact_checker")
    by_post = verdicts.groupBy("post_id").agg(
        F.bool_or(refutes).alias("_is_refuted"),
        *(F.bool_or(given).alias(f"_says_{label}") for label, given in gives.items()),
    )
    newest = newest_risks(risks).select("post_id", F.struct(*LABELS).alias("_risk"))
    post = Judged(
        is_refuted=_holds(F.col("_is_refuted")),
        is_labelled={label: _holds(F.col(f"_says_{label}")) for label in LABELS},
        risk={label: F.coalesce(F.col(f"_risk.{label}").cast("double"), F.lit(0.0)) for label in LABELS},
    )
    flagged = flags(post, rules.thresholds)
    judged = by_post.join(newest, "post_id", "full_outer")
    return judged.where(any_of(flagged)).select("post_id", *(flagged[rule].alias(name) for rule, name in FLAGS.items()))


def labelled_posts(flagged: DataFrame, labels: Sequence[str]) -> DataFrame:
    """(post_id) of the ``flagged`` posts that have one of ``labels``, by a verdict or by their risk."""
    words = [FLAGS[word] for word, label in HIDES.items() if label in labels]
    return flagged.where(any_of({name: F.col(name) for name in words})).select("post_id")


def asks_of(users: DataFrame) -> DataFrame:
    """(user_id, ``HIDES``): the labels that each user asks to hide, by the newest version of the user."""
    newest = users.groupBy("user_id").agg(F.max_by("feed_preferences", "valid_from").alias("_words"))
    return newest.select("user_id", *(_holds(F.array_contains("_words", word)).alias(word) for word in HIDES))


def users_who_ask(users: DataFrame, as_of: datetime, word: str) -> DataFrame:
    """(user_id) of those whose newest version at the as-of asks for ``word``, one of ``FEED_PREFERENCES``."""
    known = users.where(known_before(as_of, "valid_from"))
    newest = known.groupBy("user_id").agg(F.max_by("feed_preferences", "valid_from").alias("_words"))
    return newest.where(F.array_contains("_words", word)).select("user_id")


def with_flags(posts: DataFrame, flagged: DataFrame) -> DataFrame:
    """``posts`` with their ``FLAGS``, false where they have none."""
    names = list(FLAGS.values())
    joined = posts.join(flagged.select("post_id", *names), "post_id", "left")
    return joined.withColumns({name: _holds(F.col(name)) for name in names})


def broken() -> Column:
    """``BROKEN`` of a row with the post's ``FLAGS`` and the user's ``HIDES``."""
    broken_by = broken_rules({rule: F.col(name) for rule, name in FLAGS.items()}, {word: F.col(word) for word in HIDES})
    return F.struct(*(broken_by[rule].alias(rule) for rule in RULES)).alias(BROKEN)


def breaks(rule: str) -> Column:
    """Whether a row with ``BROKEN`` breaks the rule."""
    return F.col(f"{BROKEN}.{rule}")


def breaks_any() -> Column:
    """Whether a row with ``BROKEN`` breaks a rule."""
    broken_by: Column = any_of({rule: breaks(rule) for rule in RULES})
    return broken_by


def is_flagged() -> Column:
    """Whether a post with ``FLAGS`` is withheld from somebody; public pools have no such post."""
    broken_by: Column = any_of({name: F.col(name) for name in FLAGS.values()})
    return broken_by


def judged_pairs(pairs: DataFrame, policy: Policy) -> DataFrame:
    """``pairs`` (user_id, post_id, ...) with ``BROKEN``; an unknown user asks to hide nothing."""
    flagged = with_flags(pairs, policy.flagged).join(policy.asks, "user_id", "left")
    known = flagged.withColumns({word: _holds(F.col(word)) for word in HIDES})
    return known.select(*pairs.columns, broken())


def allowed_pairs(pairs: DataFrame, policy: Policy) -> DataFrame:
    """The rows of ``pairs`` that break no rule."""
    return judged_pairs(pairs, policy).where(~breaks_any()).drop(BROKEN)


def _holds(fact: Column) -> Column:
    return F.coalesce(fact, F.lit(col=False))
