"""Content models on texts with a known truth, and on a real site's texts.

Of the simulated posts a part is hidden: their hashtags are taken away, from the models' training as well.
"""

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd  # type: ignore[import-untyped]
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from contracts.features import TOPICS
from contracts.settings import Content
from spark_jobs.adapt.plain_text import strip_html
from spark_jobs.features.post import content_embeddings, content_models
from spark_jobs.simulate.posts import hashtags, posts
from spark_jobs.simulate.texts import text
from spark_jobs.simulate.world import World

DUMP = Path(__file__).resolve().parents[2] / "../shared/data/stackexchange_quantum"
WORLD = World(users=2000, days=3, seed=20, end_date=date(2026, 3, 8))
NEIGHBOURS = 10


@pytest.fixture(scope="module")
def read(spark: SparkSession) -> pd.DataFrame:
    """Every simulated post with its truth and what was read of it."""
    content = Content()
    is_hidden = WORLD.uniform("test/hidden", "post_id") < 0.3
    tags = F.when(is_hidden, F.array().cast("array<string>")).otherwise(hashtags())
    written = posts(spark, WORLD).withColumns({"text": text(WORLD, hashtags()), "is_hidden": is_hidden})
    written = written.withColumns({"hashtags": tags, "updated_at": F.timestamp_millis("created_ms")}).persist()
    model = content_models.transform(written, content, seed=20)
    nothing_known = spark.createDataFrame([], "post_id BIGINT, text_hash BIGINT")
    contents = content_embeddings.transform(written, nothing_known, model, content)
    truth = written.select(
        "post_id",
        "topic",
        "second_topic",
        "is_hidden",
        *(F.col(name).alias(f"true_{name}") for name in ("language", "sentiment")),
    )
    return truth.join(contents, "post_id", "inner").orderBy("post_id").toPandas()


def test_languages_are_told(read: pd.DataFrame) -> None:
    shares = read["true_language"].value_counts(normalize=True)
    right = (read["language"] == read["true_language"]).groupby(read["true_language"]).mean()
    for name, share in shares.items():
        print(f"language {name}: {share:.3f} of {len(read):,} posts, told of {right[name]:.4f}")
    assert set(shares.index) == {"en", "es", "fr", "de", "pt"}
    assert right.min() >= 0.95


def test_sentiment_follows_what_was_meant(read: pd.DataFrame) -> None:
    meant, got = read["true_sentiment"].to_numpy(float), read["sentiment"].to_numpy(float)
    is_signed = (meant != 0) & (got != 0)
    agreed = (np.sign(meant) == np.sign(got))[is_signed].mean()
    correlation, calm = np.corrcoef(meant, got)[0, 1], (got[meant == 0] == 0).mean()
    print(f"sentiment: correlation {correlation:.3f}; {is_signed.mean():.2f} of posts have a sign in both, ", end="")
    print(f"the same in {agreed:.3f}; {calm:.3f} of neutral posts read as neutral")
    by_language = read.groupby("true_language")[["sentiment", "true_sentiment"]].corr().iloc[::2, 1]
    print(f"correlation by language: {by_language.round(3).droplevel(1).to_dict()}")
    assert correlation > 0.65
    assert by_language.min() > 0.55
    assert agreed > 0.85
    assert calm > 0.95


def test_topics_are_read_from_words_where_hashtags_are_hidden(read: pd.DataFrame) -> None:
    hidden = read[read["is_hidden"]]
    found = np.stack(hidden["topics"].to_list())
    named = shares(hidden)
    best = found.argmax(1)
    first, among = (best == hidden["topic"]).mean(), (named[np.arange(len(hidden)), best] > 0).mean()
    error, blind = np.abs(found - named).sum(1).mean(), named.sum(1).mean()
    print(f"topics of {len(hidden):,} posts without hashtags: first {first:.3f}, one of theirs {among:.3f}; ", end="")
    print(f"mean absolute error of the shares {error:.3f}, by hashtags alone {blind:.3f}")
    assert first > 0.9
    assert among > 0.95
    assert error < 0.8 * blind
    with_tags = read[~read["is_hidden"]]
    np.testing.assert_allclose(np.stack(with_tags["topics"].to_list()), shares(with_tags), atol=1e-6)


def shares(posts_read: pd.DataFrame) -> np.ndarray:
    """The true topic shares: one or two topics, in equal parts."""
    named = np.zeros((len(posts_read), len(TOPICS)))
    for column in ("topic", "second_topic"):
        of = posts_read[column].fillna(posts_read["topic"]).to_numpy(int)
        named[np.arange(len(of)), of] += 0.5
    return named


def test_neighbours_share_a_topic(read: pd.DataFrame) -> None:
    sample = read.sample(min(3000, len(read)), random_state=20)
    vectors = np.stack(sample["embedding"].to_list())
    similarity = vectors @ vectors.T
    np.fill_diagonal(similarity, -np.inf)
    near = np.argpartition(-similarity, NEIGHBOURS, axis=1)[:, :NEIGHBOURS]
    named = shares(sample) > 0
    shared = (named.astype(int) @ named.T.astype(int)) > 0
    rows = np.arange(len(sample))[:, None]
    share = shared[rows, near].mean()
    chance = shared[~np.eye(len(sample), dtype=bool)].mean()
    language = sample["true_language"].to_numpy()
    same = language[near] == language[:, None]
    print(f"of a post's {NEIGHBOURS} nearest, {share:.3f} share a topic (any two posts: {chance:.3f}); ", end="")
    print(f"{same.mean():.3f} share its language (any two: {np.mean(language[:, None] == language):.3f})")
    assert vectors.shape[1] == 50
    assert share > 2.5 * chance


@pytest.mark.skipif(not DUMP.exists(), reason="needs ../shared/data/stackexchange_quantum")
def test_real_texts(spark: SparkSession) -> None:
    """Comments that begin with +1, a sign of approval that no list knows, are read as kinder than others."""
    reader = spark.read.format("xml").options(rowTag="row", attributePrefix="")
    comments = reader.schema("Id STRING, Text STRING").load(str(DUMP / "Comments.xml"))
    rows = comments.select(F.col("Id").cast("bigint").alias("post_id"), "Text").withColumns(
        {
            "text": strip_html(F.col("Text")),
            "hashtags": F.array().cast("array<string>"),
            "updated_at": F.lit("2018-09-02").cast("timestamp"),
        }
    )
    content = Content()
    model = content_models.transform(rows, content, seed=20)
    nothing_known = spark.createDataFrame([], "post_id BIGINT, text_hash BIGINT")
    readings = content_embeddings.transform(rows, nothing_known, model, content)
    truth: pd.DataFrame = readings.join(rows, "post_id").toPandas()
    long = truth[truth["text"].str.len() >= 40]
    english = (long["language"] == "en").mean()
    approves = truth["text"].str.match(r"\+1\b")
    kinder, others = truth.loc[approves, "sentiment"].mean(), truth.loc[~approves, "sentiment"].mean()
    print(f"{len(long):,} real comments of 40 characters or more: English {english:.4f}; ", end="")
    print(f"sentiment of {approves.sum()} that begin with +1: {kinder:.3f}, of the others {others:.3f}")
    for _, row in pd.concat([truth.nlargest(3, "sentiment"), truth.nsmallest(3, "sentiment")]).iterrows():
        print(f"  {row['sentiment']:+.2f} {row['text'][:100]!r}")
    assert english > 0.97
    assert kinder > others + 0.05
