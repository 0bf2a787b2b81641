"""Language, sentiment, topics and embedding of a text, without Spark."""

from dataclasses import replace
from zlib import crc32

import numpy as np
import pytest

pytest.importorskip("py3langid", reason="the training environment reads no texts")

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from contracts.features import TOPICS
from models.content.encoder import ContentModel, fit
from models.content.languages import UNDETERMINED, languages_of
from models.content.lexicon import BLAME, ENDINGS, NEGATORS, PRAISE
from models.content.sentiment import sentiments

NUM_BUCKETS = 4096
SPORTS, FOOD = TOPICS.index("sports"), TOPICS.index("food")
CORPUS = (
    [("the match and the goal", SPORTS)] * 4
    + [("the coach saw the goal", SPORTS)] * 4
    + [("the noodle and the spice", FOOD)] * 4
    + [("the kitchen with the spice", FOOD)] * 4
    + [("the letter came with the rain", None)] * 4
)


def lists(texts: list[str]) -> pa.ListArray:
    return pa.array([[crc32(w.encode()) % NUM_BUCKETS for w in text.split()] for text in texts], pa.list_(pa.int32()))


def no_names(count: int) -> np.ndarray:
    return np.zeros((count, len(TOPICS)), dtype=np.float32)


def fitted(size: int = 4, min_posts: int = 2) -> ContentModel:
    named = no_names(len(CORPUS))
    for row, (_, topic) in enumerate(CORPUS):
        if topic is not None:
            named[row, topic] = 1
    texts = lists([text for text, _ in CORPUS])
    return fit(texts, named, num_buckets=NUM_BUCKETS, size=size, min_posts=min_posts)


def scores(*texts: tuple[str, str]) -> list[float]:
    languages = pa.array([language for language, _ in texts], pa.string())
    tokens = pa.array([text.split() for _, text in texts], pa.list_(pa.string()))
    return [round(float(score), 4) for score in sentiments(languages, tokens)]


def test_the_languages_of_real_sentences_are_told_and_noise_has_none() -> None:
    said = {
        "en": "The density matrix of a qubit is Hermitian.",
        "es": "La semana que viene volvemos al puerto.",
        "fr": "Quelqu'un a vu la gare à côté du marché ?",
        "de": "Mein Bruder hat mich wieder nach dem Zug gefragt.",
        "pt": "Na próxima semana voltamos à praia com vocês.",
        "it": "Il treno parte domani mattina alle otto.",
        "ja": "日本語のテキストです",
        "ru": "Это русский текст",
    }
    assert languages_of(pa.array(said.values()), 0.3).to_pylist() == list(said)
    assert languages_of(pa.array(["", "12345", "ok"]), 0.3).to_pylist() == [UNDETERMINED] * 3
    assert languages_of(pa.array(list(said.values())[:1]), 0.999).to_pylist() == [UNDETERMINED]


def test_one_word_of_praise_is_half_and_more_words_say_more() -> None:
    assert scores(("en", "it was wonderful"), ("en", "great and lovely"), ("de", "schreckliche woche")) == [
        0.5,
        round(2 / 3, 4),
        -0.5,
    ]
    assert scores(("en", "good and bad"), ("en", "the train left"), ("en", "")) == [0.0, 0.0, 0.0]


def test_a_word_counts_in_its_own_language_only() -> None:
    assert scores(("de", "gift tot"), ("en", "tot"), ("und", "great"), ("ja", "great")) == [-0.5, 0.0, 0.0, 0.0]


def test_a_denial_turns_what_follows_within_reach_and_within_its_clause() -> None:
    assert scores(("en", "not good"), ("fr", "ce n était pas mauvais")) == [-0.375, 0.375]
    assert scores(("en", "not a b c good"), ("en", "not . good"), ("en", "good not")) == [0.5, 0.5, 0.5]
    assert scores(("en", "was not"), ("en", "good")) == [0.0, 0.5]  # it does not reach into the next text


def test_no_word_is_both_praise_and_blame() -> None:
    for language, endings in ENDINGS.items():
        praise, blame, denials = (
            {word.removesuffix("~") + end for word in table[language].split() for end in endings if word.endswith("~")}
            | {word for word in table[language].split() if not word.endswith("~")}
            for table in (PRAISE, BLAME, NEGATORS)
        )
        assert not praise & blame
        assert not (praise | blame) & denials


def test_scores_do_not_depend_on_where_a_batch_begins() -> None:
    tokens = pa.array([["never"], ["good"], ["not", "bad"], []], pa.list_(pa.string()))
    languages = pa.array(["en"] * 4)
    whole = sentiments(languages, tokens)
    parts = [sentiments(languages.slice(at, 1), tokens.slice(at, 1))[0] for at in range(4)]
    assert whole.tolist() == parts == [0.0, 0.5, 0.375, 0.0]


def test_words_seen_under_a_hashtag_vote_for_its_topic_and_common_words_leave_it_open() -> None:
    topics, _ = fitted().encode(lists(["goal match", "spice noodle", "goal spice", "the and", "zebra"]), no_names(5))
    assert topics[0].argmax() == SPORTS
    assert topics[1].argmax() == FOOD
    assert topics[0, SPORTS] > 0.4 > topics[2, SPORTS] > 0.1
    assert topics[2, SPORTS] == pytest.approx(topics[2, FOOD], rel=0.3)
    assert topics[3].sum() < 0.2
    assert topics[4].tolist() == [0.0] * len(TOPICS)
    assert (topics.sum(1) < 1).all()


def test_what_the_author_named_stands() -> None:
    named = no_names(1)
    named[0, FOOD] = 1
    topics, _ = fitted().encode(lists(["goal match"]), named)
    assert topics.tolist() == named.tolist()


def test_without_hashtags_no_text_has_a_topic() -> None:
    texts = lists([text for text, _ in CORPUS])
    model = fit(texts, no_names(len(CORPUS)), num_buckets=NUM_BUCKETS, size=4, min_posts=2)
    assert not model.encode(texts, no_names(len(CORPUS)))[0].any()


def test_embeddings_have_unit_length_and_texts_of_shared_words_are_near() -> None:
    _, vectors = fitted().encode(lists(["goal match", "coach goal", "spice noodle", "zebra", ""]), no_names(5))
    assert np.linalg.norm(vectors, axis=1) == pytest.approx([1, 1, 1, 0, 0], abs=1e-6)
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2] + 0.2


def test_latent_directions_hold_what_the_dense_decomposition_holds() -> None:
    model = fitted(size=3)
    dense = np.zeros((len(CORPUS), len(model.buckets)))
    for row, buckets in enumerate(lists([text for text, _ in CORPUS]).to_pylist()):
        for bucket in buckets:
            dense[row, np.searchsorted(model.buckets, bucket)] += 1
    idf = np.log((1 + len(CORPUS)) / (1 + (dense > 0).sum(0))) + 1
    weighted = dense * idf
    weighted /= np.linalg.norm(weighted, axis=1, keepdims=True)
    values = np.linalg.svd(weighted, compute_uv=False)
    found = model.vectors / idf[:, None]
    np.testing.assert_allclose(found.T @ found, np.eye(3), atol=1e-4)
    assert np.square(weighted @ found).sum() == pytest.approx(np.square(values[:3]).sum(), rel=0.04)
    assert fitted(size=50).vectors[:, len(values[values > 1e-6]) :].any() == np.False_


def test_a_rare_word_is_left_out_and_small_samples_leave_dimensions_empty() -> None:
    few = lists(["one two", "one three", "two"])
    model = fit(few, no_names(3), num_buckets=NUM_BUCKETS, size=50, min_posts=2)
    assert model.buckets.tolist() == sorted(crc32(word) % NUM_BUCKETS for word in (b"one", b"two"))
    assert model.vectors.shape == (2, 50)
    nothing = fit(lists([]), no_names(0), num_buckets=NUM_BUCKETS, size=50, min_posts=2)
    assert nothing.encode(few, no_names(3))[1].shape == (3, 50)


def test_the_same_sample_gives_the_same_version_and_another_gives_another() -> None:
    assert fitted().version == fitted().version
    assert fitted().version != fitted(min_posts=5).version
    for name in ("buckets", "vectors", "votes"):
        assert replace(fitted(), **{name: getattr(fitted(), name) + 1}).version != fitted().version


def corpus(seed: int, num_texts: int = 1000, slang: int = 0) -> pa.ListArray:
    """Texts of ten topics: words of the topic, words of everyone, and two of a fashion that comes and goes."""
    draw = np.random.default_rng(seed).integers
    texts = [
        [*100 + 40 * draw(10) + draw(40, size=8), *draw(60, size=5), *1000 + 500 * slang + draw(200, size=2)]
        for _ in range(num_texts)
    ]
    return pa.array([[int(word) for word in text] for text in texts], pa.list_(pa.int32()))


def refit(texts: pa.ListArray, size: int, previous: ContentModel | None = None) -> ContentModel:
    return fit(texts, no_names(len(texts)), num_buckets=NUM_BUCKETS, size=size, min_posts=2, previous=previous)


@pytest.mark.parametrize(("size", "enough"), [(10, 0.98), (50, 0.75)])
def test_a_refit_on_other_texts_keeps_what_the_dimensions_mean(size: int, enough: float) -> None:
    """Of the same text under both models; with more dimensions than topics, some hold nothing but chance."""
    old = refit(corpus(1), size)
    new, alone = (refit(corpus(2, slang=1), size, previous) for previous in (old, None))
    unseen = corpus(3, 300)
    before, after, elsewhere = (model.encode(unseen, no_names(300))[1] for model in (old, new, alone))
    kept, lost = ((before * other).sum(1).mean() for other in (after, elsewhere))
    print(f"{size} dimensions: cosine of a text under two models {kept:.3f}, {lost:.3f} where they are not turned")
    assert kept > enough
    assert lost < 0.5
    # Within a model a turn changes no cosine.
    np.testing.assert_allclose(after @ after.T, elsewhere @ elsewhere.T, atol=1e-3)


def test_a_model_of_other_words_or_sizes_turns_nothing() -> None:
    alone = refit(corpus(2), 10)
    strangers = replace(alone, buckets=alone.buckets + np.int32(2000))
    assert refit(corpus(2), 10, strangers).version == alone.version
    assert refit(corpus(2), 10, refit(corpus(1), 12)).version == alone.version
    assert refit(corpus(2), 10, replace(refit(corpus(1), 10), num_buckets=8192)).version == alone.version
    assert refit(corpus(2), 10, alone).vectors == pytest.approx(alone.vectors, abs=2e-5)


@given(
    st.lists(st.lists(st.sampled_from(["the", "goal", "spice", "match", "zebra"]), max_size=6), min_size=1, max_size=8)
)
def test_a_text_is_read_alike_in_any_batch(texts: list[list[str]]) -> None:
    model, joined = fitted(), [" ".join(words) for words in texts]
    topics, vectors = model.encode(lists(joined), no_names(len(joined)))
    for row, text in enumerate(joined):
        alone = model.encode(lists(["zebra", text]).slice(1), no_names(1))
        assert (topics[row].tolist(), vectors[row].tolist()) == (alone[0][0].tolist(), alone[1][0].tolist())
