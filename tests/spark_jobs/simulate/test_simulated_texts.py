"""Texts against the truth they were written from."""

import re
from datetime import date

import pandas as pd  # type: ignore[import-untyped]
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from contracts.features import TOPICS
from contracts.landing import LABELS
from spark_jobs.simulate import vocabulary as words
from spark_jobs.simulate.network import friendships
from spark_jobs.simulate.posts import hashtags, posts
from spark_jobs.simulate.profile import COUNTRIES, country
from spark_jobs.simulate.texts import SIGN_SHARE, STRAY_SHARE, TAILS, text
from spark_jobs.simulate.world import World

WORLD = World(users=2000, days=2, seed=7, end_date=date(2026, 3, 8))

TAIL = r"\. (!!|\?\?|10/10|https://example\.org/\d+) #"


@pytest.fixture(scope="module")
def written(spark: SparkSession) -> pd.DataFrame:
    truth = posts(spark, WORLD).withColumn("text", text(WORLD, hashtags()))
    truth = truth.withColumn("country", country(WORLD, F.col("author")))
    columns = ("author", "country", "topic", "second_topic", "language", "sentiment", "text")
    return truth.select(*columns, *(f"is_{label}" for label in LABELS)).toPandas()


def test_every_list_has_a_row_for_each_language_and_equally_many_words() -> None:
    for table in (words.SENTENCES, words.JUDGEMENTS, words.DENIALS):
        assert len(table) == len(words.LANGUAGES)
        assert len({len(row) for row in table}) == 1
        assert all("{" in sentence for row in table for sentence in row)
    assert list(words.TOPIC_WORDS) == list(TOPICS)
    for rows in (*words.TOPIC_WORDS.values(), words.PRAISE, words.BLAME):
        assert [len(set(row.split())) for row in rows] == [8] * len(words.LANGUAGES)
    assert words.SPOKEN.keys() == COUNTRIES.keys()
    assert [sum(shares.values()) for shares in (COUNTRIES, *words.SPOKEN.values())] == pytest.approx([1.0] * 8)


def test_countries_and_languages_have_their_shares(written: pd.DataFrame) -> None:
    people = written.drop_duplicates("author")["country"].value_counts(normalize=True)
    assert {name: people[name] for name in COUNTRIES} == pytest.approx(COUNTRIES, abs=0.09)
    authors = written.assign(own=written["author"].map(own_languages(written))).drop_duplicates("author")
    for name, spoken in words.SPOKEN.items():
        own = max(spoken, key=lambda language: spoken[language])
        of_country = authors[authors["country"] == name]
        three_deviations = 3 * (spoken[own] * (1 - spoken[own]) / len(of_country)) ** 0.5
        assert (of_country["own"] == own).mean() == pytest.approx(spoken[own], abs=three_deviations + 0.03), name


def own_languages(written: pd.DataFrame) -> "pd.Series[str]":
    """The language each author writes most in; some posts of everyone are in English."""
    return written.groupby("author")["language"].agg(lambda languages: languages.mode()[0])


def test_friends_mostly_share_a_language(spark: SparkSession, written: pd.DataFrame) -> None:
    own = own_languages(written)
    pairs: pd.DataFrame = friendships(spark, WORLD).select("user", "friend").toPandas()
    both = pairs.assign(one=pairs["user"].map(own), other=pairs["friend"].map(own)).dropna()
    by_chance = (own.value_counts(normalize=True) ** 2).sum()
    assert len(both) > 3000
    assert (both["one"] == both["other"]).mean() > by_chance + 0.3


def test_a_text_holds_words_of_its_topics_in_its_language(written: pd.DataFrame) -> None:
    assert not written["text"].str.contains(r"[{}]").any()
    second = []
    for row in written.sample(500, random_state=1).itertuples():
        topics = [TOPICS[int(topic)] for topic in (row.topic, row.second_topic) if pd.notna(topic)]
        at = words.LANGUAGES.index(row.language)
        found = [any(word in row.text for word in words.TOPIC_WORDS[topic][at].split()) for topic in topics]
        assert any(found), row.text
        assert re.findall(r"#(\w+)", row.text) == topics
        second += found[1:]
    assert 0.3 < sum(second) / len(second) < 0.9


def test_some_texts_end_with_what_is_in_no_language(written: pd.DataFrame) -> None:
    found = written["text"].str.extract(TAIL)[0]
    for tail, share in TAILS.items():
        begins = tail.split("{")[0]
        assert found.str.startswith(begins, na=False).mean() == pytest.approx(share, abs=0.02), tail


def test_most_posts_to_look_at_begin_with_a_sign_of_it_and_few_others_do(written: pd.DataFrame) -> None:
    for label in LABELS:
        rows = zip(words.LANGUAGES, words.SIGNS[label], strict=True)
        spoken = {language: tuple(f"{sign}: " for sign in signs) for language, signs in rows}
        shown = pd.Series([any(sign in row.text for sign in spoken[row.language]) for row in written.itertuples()])
        is_it = written[f"is_{label}"]
        three_deviations = 3 * (SIGN_SHARE * (1 - SIGN_SHARE) / is_it.sum()) ** 0.5
        assert shown[is_it].mean() == pytest.approx(SIGN_SHARE, abs=three_deviations), label
        assert shown[~is_it].mean() == pytest.approx(STRAY_SHARE, abs=0.006), label
        assert len({sign for signs in spoken.values() for sign in signs}) == 4 * len(words.LANGUAGES)


def test_judgements_are_as_often_and_as_honest_as_documented(written: pd.DataFrame) -> None:
    meant = written["sentiment"]
    assert (meant == 0).mean() == pytest.approx(0.35, abs=0.03)
    assert (meant[meant != 0] > 0).mean() == pytest.approx(0.65, abs=0.03)
    assert meant[meant != 0].abs().between(0.3, 1.0).all()
    judged, honest, denied = 0, 0, 0
    for row in written.itertuples():
        at = words.LANGUAGES.index(row.language)
        for sentence in row.text.split(". "):
            own_words = set(re.findall(r"\w+", sentence))
            good, bad = (own_words & set(table[at].split()) for table in (words.PRAISE, words.BLAME))
            if good or bad:
                frames = [frame.replace("{m}", "") for frame in words.DENIALS[at]]
                is_denial = any(all(part in sentence for part in frame.split()) for frame in frames)
                judged += 1
                denied += is_denial
                honest += (bool(good) != is_denial) == (row.sentiment > 0)
                assert row.sentiment != 0, row.text
    assert honest / judged == pytest.approx(0.92, abs=0.02)
    assert denied / judged == pytest.approx(0.15, abs=0.03)
    num_sentences = written["text"].str.count(r"\. ").sum() - judged
    assert judged / num_sentences == pytest.approx(meant.abs().mean(), abs=0.03)
