"""The text of a post: in its author's language, with words of its topics, words of praise or blame, and signs.

A sign is a phrase that is typical of clickbait, NSFW or misinformation: most such posts have one, and a few others.
"""

import json
from collections.abc import Sequence

from pyspark.sql import Column
from pyspark.sql import functions as F

from contracts.features import TOPICS
from contracts.landing import LABELS
from spark_jobs.simulate.profile import country
from spark_jobs.simulate.vocabulary import (
    BLAME,
    DENIALS,
    JUDGEMENTS,
    LANGUAGES,
    PRAISE,
    SENTENCES,
    SIGNS,
    SPOKEN,
    TOPIC_WORDS,
)
from spark_jobs.simulate.world import Key, World, choose

ENGLISH_SHARE = 0.05
NEUTRAL_SHARE = 0.35
PRAISE_SHARE = 0.65
SECOND_TOPIC_SHARE = 0.5
HONEST_SHARE = 0.92
DENIAL_SHARE = 0.15
SIGN_SHARE, STRAY_SHARE = 0.8, 0.01
"""Share of posts that begin with a sign of a label: among posts with the label, and among all others."""

TAILS = {"!!": 0.15, "??": 0.08, "10/10": 0.07, "https://example.org/{post_id}": 0.1}
"""Endings of some texts, in any language, with the share of posts that have each."""


def written_language(world: World, author: Column) -> Column:
    """The language of ``post_id``: its author's own, drawn by country; some posts of everyone are in English."""
    home, draw = country(world, author), world.uniform("user/language", author)
    own = F.lit(LANGUAGES[0])
    for name, spoken in SPOKEN.items():
        own = F.when(home == name, choose(draw, spoken)).otherwise(own)
    return F.when(world.uniform("post/english", "post_id") < ENGLISH_SHARE, LANGUAGES[0]).otherwise(own)


def meant_sentiment(world: World) -> Column:
    """What the author of ``post_id`` means, in [-1, 1]; a third is neutral (0), two thirds of the others praise."""
    strength = 0.3 + 0.7 * world.uniform("post/strength", "post_id")
    sign = F.when(world.uniform("post/praises", "post_id") < PRAISE_SHARE, 1.0).otherwise(-1.0)
    return F.when(world.uniform("post/neutral", "post_id") < NEUTRAL_SHARE, 0.0).otherwise(sign * strength)


def text(world: World, hashtags: Column) -> Column:
    """Signs, one to four sentences, each followed by a judgement with probability |sentiment|, a tail, the hashtags.

    Reads ``post_id``, ``topic``, ``second_topic``, ``language``, ``sentiment`` and what the post is. A judgement is of
    the sentiment's sign 92 times of 100; 15 of 100 deny the opposite.
    """
    count = 1 + world.index(4, "text/length", "post_id", power=1.5)
    places = F.sequence(F.lit(0).cast("long"), count - 1)
    spoken = F.transform(places, lambda place: F.concat_ws(". ", _sentence(world, place), _judgement(world, place)))
    tags = F.transform(hashtags, lambda tag: F.concat(F.lit("#"), tag))
    signs = (_sign(world, label) for label in LABELS)
    sentences = F.concat(F.concat_ws(": ", *signs, F.concat_ws(". ", spoken)), F.lit("."))
    return F.concat_ws(" ", sentences, _tail(world), F.array_join(tags, " "))


def _sign(world: World, label: str) -> Column:
    """A phrase that is typical of ``label``, or null."""
    share = F.when(F.col(f"is_{label}"), SIGN_SHARE).otherwise(STRAY_SHARE)
    has_one = world.uniform(f"text/{label}", "post_id") < share
    return F.when(has_one, _one(world, SIGNS[label], f"text/{label}/which", "post_id"))


def _tail(world: World) -> Column:
    """One of ``TAILS``, or null."""
    drawn = choose(world.uniform("text/tail", "post_id"), {**TAILS, "": 1 - sum(TAILS.values())})
    return F.nullif(F.replace(drawn, F.lit("{post_id}"), F.col("post_id").cast("string")), F.lit(""))


def _sentence(world: World, place: Column) -> Column:
    tables = [[TOPIC_WORDS[topic][at].split() for topic in TOPICS] for at in range(len(LANGUAGES))]
    by_topic = F.get(_literal(tables, depth=3), _language())
    is_second = world.uniform("text/second", "post_id", place) < SECOND_TOPIC_SHARE
    other = F.when(is_second, F.col("second_topic"))
    first, second = (
        F.get(F.get(by_topic, topic.cast("int")), world.index(8, f"text/{name}", "post_id", place).cast("int"))
        for name, topic in (("first", F.col("topic")), ("other", F.coalesce(other, F.col("topic"))))
    )
    sentence = _one(world, SENTENCES, "text/sentence", "post_id", place)
    return F.replace(F.replace(sentence, F.lit("{a}"), first), F.lit("{b}"), second)


def _judgement(world: World, place: Column) -> Column:
    """A judgement, or null if this sentence has none."""
    sentiment, key = F.col("sentiment"), ("post_id", place)
    is_praise = (sentiment > 0) == (world.uniform("text/honest", *key) < HONEST_SHARE)
    is_denial = world.uniform("text/denial", *key) < DENIAL_SHARE
    words = [[entry.split() for entry in table] for table in (PRAISE, BLAME)]
    good, bad = (_one(world, table, "text/word", *key) for table in words)
    judgement = F.when(is_denial, _one(world, DENIALS, "text/frame", *key)).otherwise(
        _one(world, JUDGEMENTS, "text/frame", *key)
    )
    judged = F.replace(judgement, F.lit("{m}"), F.when(is_praise == is_denial, bad).otherwise(good))
    return F.when(world.uniform("text/judges", *key) < F.abs(sentiment), judged)


def _one(world: World, table: Sequence[Sequence[str]], stream: str, *keys: Key) -> Column:
    """One entry of the language's row of ``table``; all rows are equally long."""
    assert len({len(row) for row in table}) == 1
    row = F.get(_literal(table, depth=2), _language())
    return F.get(row, world.index(len(table[0]), stream, *keys).cast("int"))


def _language() -> Column:
    return F.array_position(F.array(*(F.lit(name) for name in LANGUAGES)), F.col("language")).cast("int") - 1


def _literal(table: object, depth: int) -> Column:
    """Nested lists of strings as one constant, which the planner folds."""
    return F.from_json(F.lit(json.dumps(table)), "array<" * depth + "string" + ">" * depth)
