"""The packaged sentence encoder: its identity, its vectors, and their projection to 50 dimensions."""

import hashlib
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("py3langid", reason="the training environment reads no texts")

import pyarrow as pa

from contracts.features import TOPICS
from models.content import sentences
from models.content.encoder import ContentModel, fit
from tests import fake_encoder

ENCODER = f"{fake_encoder.PACKAGE} 1.0"


@pytest.fixture
def encoder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The fake package, installed."""
    monkeypatch.setattr(sentences, "PACKAGE", fake_encoder.PACKAGE)
    monkeypatch.syspath_prepend(str(fake_encoder.packed(tmp_path)))
    monkeypatch.delitem(sys.modules, fake_encoder.PACKAGE.replace("-", "_"), raising=False)
    sentences._load.cache_clear()
    yield ENCODER
    sentences._load.cache_clear()


def words(*texts: str) -> pa.ListArray:
    return pa.array([[len(word) for word in text.split()] for text in texts], pa.list_(pa.int32()))


def meanings(seed: int, num_texts: int = 600, dimensions: int = 40) -> np.ndarray:
    """Unit vectors of texts around ten subjects, which are the same for all seeds."""
    subjects = np.random.default_rng(0).standard_normal((10, dimensions))
    draw = np.random.default_rng(seed)
    vectors = subjects[draw.integers(10, size=num_texts)] + 0.3 * draw.standard_normal((num_texts, dimensions))
    unit: np.ndarray = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit.astype(np.float32)


def fitted(vectors: np.ndarray, encoder: str = ENCODER, size: int = 10, **others: ContentModel) -> ContentModel:
    num_texts = len(vectors)
    buckets, named = words(*["one two"] * num_texts), np.zeros((num_texts, len(TOPICS)), dtype=np.float32)
    return fit(buckets, named, num_buckets=64, size=size, min_posts=2, sentences=(encoder, vectors), **others)


def embeddings(model: ContentModel, vectors: np.ndarray) -> np.ndarray:
    texts = words(*["one"] * len(vectors))
    read: np.ndarray = model.encode(texts, np.zeros((len(vectors), len(TOPICS)), dtype=np.float32), vectors)[1]
    return read


def test_without_the_package_there_is_no_encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sentences, "PACKAGE", "feedlake-no-such-package")
    assert sentences.installed() is None


def test_an_encoder_is_known_by_its_package_and_version_and_is_loaded_once(encoder: str) -> None:
    assert sentences.installed() == encoder
    texts = ("a goal in the match", "...", "a spice")
    said = pa.array(texts), pa.array([[1, 2, 3, 4, 5], [], [1, 6]], pa.list_(pa.int32()))
    vectors = sentences.sentence_vectors(*said, encoder)
    assert vectors.shape == (3, fake_encoder.DIMENSIONS)
    assert vectors.dtype == np.float32
    # A text without a word says nothing, whatever the encoder makes of its signs.
    assert np.linalg.norm(vectors, axis=1) == pytest.approx([1, 0, 1], abs=1e-6)
    sentences.sentence_vectors(*said, encoder)
    assert sys.modules[fake_encoder.PACKAGE.replace("-", "_")].LOADED == ["cpu"]


@pytest.mark.parametrize("other", [f"{fake_encoder.PACKAGE} 2.0", "feedlake-no-such-package 1.0"])
def test_another_version_or_none_is_refused_by_name_with_the_command_to_install_it(encoder: str, other: str) -> None:
    with pytest.raises(ValueError, match="make encoder") as raised:
        sentences.sentence_vectors(pa.array(["x"]), words("x"), other)
    found = encoder if fake_encoder.PACKAGE in other else "none"
    assert f"sentence encoder {other}, and this interpreter has {found}" in str(raised.value)


def test_the_projection_holds_what_the_dense_decomposition_holds() -> None:
    vectors = meanings(1)
    model = fitted(vectors, size=4)
    np.testing.assert_allclose(model.vectors.T @ model.vectors, np.eye(4), atol=1e-4)
    values = np.linalg.svd(vectors, compute_uv=False)
    assert np.square(vectors @ model.vectors).sum() == pytest.approx(np.square(values[:4]).sum(), rel=0.04)
    unseen = meanings(2, 300)
    near, far = (embeddings(fitted(vectors, size=size), unseen) for size in (10, 2))
    cosines = unseen @ unseen.T
    lost, more = (np.abs(read @ read.T - cosines).mean() for read in (near, far))
    print(f"cosines of 40 dimensions differ by {lost:.3f} in 10, by {more:.3f} in 2")
    assert lost < 0.1 < more


def test_embeddings_have_unit_length_and_a_text_without_a_word_has_none() -> None:
    read = embeddings(fitted(meanings(1)), np.vstack([meanings(2, 3), np.zeros((1, 40), dtype=np.float32)]))
    assert np.linalg.norm(read, axis=1) == pytest.approx([1, 1, 1, 0], abs=1e-6)


def test_a_small_sample_leaves_dimensions_empty_and_an_empty_one_all() -> None:
    few = fitted(meanings(1, 3), size=50)
    assert (np.abs(few.vectors).max(0) > 0).sum() == 3
    assert fitted(np.zeros((0, 0), dtype=np.float32), size=50).vectors.shape == (0, 50)


def test_topics_are_the_words_votes_whoever_makes_the_embedding() -> None:
    texts, named = words("aa bbb", "cccc dddd"), np.zeros((2, len(TOPICS)), dtype=np.float32)
    named[0, 0] = named[1, 1] = 1
    by_words, by_encoder = (
        fit(texts, named, num_buckets=64, size=4, min_posts=1, sentences=vectors)
        for vectors in (None, (ENCODER, meanings(1, 2)))
    )
    nameless = np.zeros_like(named)
    topics, _ = by_encoder.encode(texts, nameless, meanings(1, 2))
    assert topics.tolist() == by_words.encode(texts, nameless)[0].tolist()
    assert topics.argmax(1).tolist() == [0, 1]
    with pytest.raises(AssertionError):
        by_encoder.encode(texts, nameless)


def test_the_version_tells_encoders_and_their_versions_apart() -> None:
    model = fitted(meanings(1))
    assert model.version == fitted(meanings(1)).version
    others = [replace(model, encoder=other) for other in (None, f"{fake_encoder.PACKAGE} 1.1", "another 1.0")]
    assert len({model.version, *(other.version for other in others)}) == 4
    assert replace(model, vectors=model.vectors + 1).version != model.version


def test_a_model_of_words_is_known_by_the_hash_it_always_had() -> None:
    """Or a lake whose model was stored before encoders were known would find no reading under its version."""
    model = replace(fitted(meanings(1)), encoder=None)
    digest = hashlib.sha256(f"({model.num_buckets}, {model.vectors.shape}, {model.votes.shape})".encode())
    for array in (model.buckets, model.vectors, model.votes):
        digest.update(array.tobytes())
    assert model.version == digest.hexdigest()[:16]


def test_a_refit_of_the_same_encoder_keeps_what_the_dimensions_mean_and_one_of_another_does_not() -> None:
    old, unseen = fitted(meanings(1)), meanings(3, 300)
    new, alone = fitted(meanings(2), previous=old), fitted(meanings(2))
    before, after, elsewhere = (embeddings(model, unseen) for model in (old, new, alone))
    kept, lost = ((before * other).sum(1).mean() for other in (after, elsewhere))
    print(f"cosine of a text under two models {kept:.3f}, {lost:.3f} where they are not turned")
    assert kept > 0.99
    assert lost < 0.9
    np.testing.assert_allclose(after @ after.T, elsewhere @ elsewhere.T, atol=1e-3)
    for stranger in (replace(old, encoder=f"{fake_encoder.PACKAGE} 0.9"), replace(old, encoder=None)):
        assert fitted(meanings(2), previous=stranger).version == alone.version
