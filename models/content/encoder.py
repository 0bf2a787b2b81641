"""Topics and embedding of a text: topics linear in its hashed words, the embedding in them or in a sentence vector.

A word is identified by its bucket, a hash. Embedding: TF-IDF, or the vector of a sentence encoder if one is installed;
projected on the leading singular directions of a sample of posts (for words, latent semantic analysis: Deerwester et
al., 1990), rotated to those of the model before, scaled to unit length. Topics: every word votes for the topics of the
hashtags that it occurred with, weighted by how well it separates topics.
"""

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy import sparse

TOPIC_PRIOR_POSTS = 2.0
"""Strength of the prior of a word's topic shares, in posts; the prior mean is the shares of all posts."""

NEVER_SEEN = 0.01
"""Least number of posts of a topic, so that its logarithm is finite."""

DOUBT = 0.5
"""Votes of every text for no topic, so that a text of uninformative words leaves its topic open."""

POWER_STEPS = 12
SMALLEST = 1e-9
"""Components below this share of the largest singular value are dropped: they are rounding noise."""

DIGITS = 5
"""Decimals to which vectors are rounded, so that the last bits of a library's sums do not change the version."""


@dataclass(frozen=True)
class ContentModel:
    """One fitted model: rows for the ``buckets`` that it knows, ascending; unknown words do not count.

    ``votes``: (bucket, topic), at least 0. ``vectors``: (bucket, dimension), with the word's weight; with a sentence
    ``encoder`` (name and version), (dimension of the encoder, dimension).
    """

    num_buckets: int
    buckets: NDArray[np.int32]
    vectors: NDArray[np.float32]
    votes: NDArray[np.float32]
    encoder: str | None = None

    @cached_property
    def version(self) -> str:
        """Hash of everything the model holds."""
        named = () if self.encoder is None else (self.encoder,)
        digest = hashlib.sha256(str((self.num_buckets, self.vectors.shape, self.votes.shape, *named)).encode())
        for array in (self.buckets, self.vectors, self.votes):
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()[:16]

    @property
    def space(self) -> tuple[str | int, int]:
        """Kind and dimensions of the vectors; a model can be rotated to another one of the same space."""
        return self.encoder or self.num_buckets, self.vectors.shape[1]

    @property
    def inputs(self) -> NDArray[np.int32]:
        """Labels of the rows of ``vectors``: words, or dimensions of the encoder."""
        return self.buckets if self.encoder is None else np.arange(len(self.vectors), dtype=np.int32)

    def encode(
        self, buckets: pa.ListArray, named: NDArray[np.float32], sentences: NDArray[np.float32] | None = None
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Topic shares and embeddings of texts; ``named`` are the shares that hashtags name (0 where they name none).

        ``sentences`` are the texts' vectors by the model's encoder, if it has one. Named shares are kept; otherwise
        topics are the words' votes, whose sum is 1 less the part left open. An embedding has unit length, or is 0 for a
        text without a known word; with an encoder, for a text without any word.
        """
        assert (sentences is None) == (self.encoder is None)
        counts = count_matrix(buckets, self.num_buckets)[:, self.buckets]
        votes = counts @ self.votes
        shares = votes / (votes.sum(1, keepdims=True) + np.float32(DOUBT))
        topics = np.where(named.sum(1, keepdims=True) > 0, named, shares)
        vectors = (counts if sentences is None else sentences) @ self.vectors
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return topics, np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)


def count_matrix(buckets: pa.ListArray, num_buckets: int) -> sparse.csr_array:
    """Occurrences: (text, bucket)."""
    starts = buckets.offsets.to_numpy()
    columns = buckets.flatten().to_numpy(zero_copy_only=False).copy()
    ones = np.ones(len(columns), dtype=np.float32)
    matrix = sparse.csr_array((ones, columns, starts - starts[0]), shape=(len(buckets), num_buckets))
    matrix.sum_duplicates()
    return matrix


def fit(
    buckets: pa.ListArray,
    named: NDArray[np.float32],
    *,
    num_buckets: int,
    size: int,
    min_posts: int,
    previous: ContentModel | None = None,
    sentences: tuple[str, NDArray[np.float32]] | None = None,
) -> ContentModel:
    """Fit on a sample of texts in a fixed order: words of at least ``min_posts`` texts, vectors of ``size`` dimensions.

    ``sentences``: an encoder, and its vectors of texts of the sample; without it, vectors are those of words. They are
    rotated to match ``previous`` where both know the same inputs.
    ``named``: topic shares of each post's hashtags; a post without any is not an example of a topic.
    """
    from threadpoolctl import threadpool_limits  # noqa: PLC0415 - only fitting needs it

    counts = count_matrix(buckets, num_buckets)
    num_posts = np.bincount(counts.indices, minlength=num_buckets)
    known = np.flatnonzero(num_posts >= min_posts).astype(np.int32)
    counts = counts[:, known]
    # The matrices are small: threads would wait for each other, on a busy machine a hundred times as long.
    with threadpool_limits(1, user_api="blas"):
        if sentences is None:
            encoder, idf = None, np.log((1.0 + len(buckets)) / (1.0 + num_posts[known])) + 1.0
            vectors = idf[:, None] * _leading_directions(_unit_rows(counts * idf), size)
        else:
            encoder, vectors = sentences[0], _leading_directions(sentences[1].astype(np.float64), size)
        model = ContentModel(num_buckets, known, rounded(vectors), rounded(_votes(counts, named)), encoder)
        if previous is None or previous.space != model.space:
            return model
        return replace(model, vectors=rounded(vectors @ _turn(model.inputs, vectors, previous)))


def _unit_rows(weighted: sparse.csr_array) -> sparse.csr_array:
    """Rows scaled to unit length."""
    lengths = np.sqrt(np.asarray(weighted.multiply(weighted).sum(axis=1)).ravel())
    return sparse.csr_array(sparse.diags_array(1.0 / np.maximum(lengths, SMALLEST)) @ weighted)


def _leading_directions(unit: sparse.csr_array | NDArray[np.float64], size: int) -> NDArray[np.float64]:
    """An orthonormal basis of the ``size`` leading right singular directions of texts; columns beyond the rank are 0.

    Subspace iteration from a fixed start (Halko, Martinsson and Tropp, 2011). The singular vectors themselves are not
    needed: cosines are the same in any basis, and with equal singular values, rounding would choose the vectors.
    """
    num_texts, num_inputs = unit.shape
    directions = np.zeros((num_inputs, size))
    if num_texts == 0 or num_inputs == 0:
        return directions
    basis = np.random.default_rng(0).standard_normal((num_inputs, min(size, num_inputs)))
    for _ in range(POWER_STEPS):
        basis, triangle = np.linalg.qr(unit.T @ (unit @ basis))
        scale = np.abs(np.diag(triangle))
        basis[:, scale < SMALLEST * scale.max(initial=0.0)] = 0.0
    directions[:, : basis.shape[1]] = basis
    return directions


def _turn(inputs: NDArray[np.int32], vectors: NDArray[np.float64], previous: ContentModel) -> NDArray[np.float64]:
    """The rotation that brings the vectors nearest to those of ``previous`` for the same words, or dimensions.

    Orthogonal Procrustes (Schoenemann, 1966). It changes no cosine and keeps the meaning of the dimensions, so that
    embeddings of both models, and their means, can be compared. Directions without shared inputs are not rotated.
    """
    _, here, there = np.intersect1d(inputs, previous.inputs, assume_unique=True, return_indices=True)
    product = vectors[here].T @ previous.vectors[there].astype(np.float64)
    as_they_are = SMALLEST * float(np.linalg.norm(product)) or 1.0
    left, _, right = np.linalg.svd(product + as_they_are * np.eye(len(product)))
    turn: NDArray[np.float64] = left @ right
    return turn


def rounded(array: NDArray[np.float64]) -> NDArray[np.float32]:
    """Rounded, without negative zeros, whose bytes differ."""
    return np.round(array, DIGITS).astype(np.float32) + np.float32(0)


def _votes(counts: sparse.csr_array, named: NDArray[np.float32]) -> NDArray[np.float64]:
    """(word, topic): the topic shares of the posts with the word, times how far they are from those of all posts.

    That distance is the Kullback-Leibler divergence in nats; without a named topic anywhere, all votes are 0.
    """
    seen = sparse.csr_array((counts > 0).astype(np.float64))
    total = named.sum(0).astype(np.float64)
    if total.sum() == 0:
        return np.zeros((counts.shape[1], named.shape[1]))
    prior = (total + NEVER_SEEN) / (total + NEVER_SEEN).sum()
    by_word = seen.T @ named.astype(np.float64)
    shares = (by_word + TOPIC_PRIOR_POSTS * prior) / (by_word.sum(1, keepdims=True) + TOPIC_PRIOR_POSTS)
    divergence = (shares * np.log(shares / prior)).sum(1, keepdims=True)
    votes: NDArray[np.float64] = shares * np.maximum(divergence, 0.0)
    return votes
