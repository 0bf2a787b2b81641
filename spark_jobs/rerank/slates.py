"""Candidates of many users as matrices: a row per user, the best candidate first."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.groups import group_starts
from spark_jobs.rerank.rules.author import best_of_each_author

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

NONE = -1
"""Code of a post without a topic, or without a friend, page or group as source; it equals no other."""
CELLS = 2**17
"""Cells of a matrix, few enough that a step's matrices stay in a core's cache."""


@dataclass(frozen=True)
class Candidates:
    """Candidates of many users, in any order; every column is ``(n,)``, ``embedding`` is ``(n, d)`` of whole numbers.

    ``author`` is 0 where ``has_author`` is false. ``source`` is a code of the friend, page or group that proposed the
    post, ``topic`` of what it is about: ``NONE`` where there is none. ``content_type`` and ``age`` number the shares
    of the settings. ``num_engaged`` of ``num_views`` people engaged with a post; ``is_little_known``
    ones are explored, for a user ``is_new_user`` more often. ``is_friend`` posts go before others for a user who asks
    for ``friends_first``.
    """

    user: Ints
    post: Ints
    value: NDArray[np.floating[Any]]
    author: Ints
    has_author: Bools
    source: Ints
    topic: Ints
    content_type: Ints
    age: Ints
    is_little_known: Bools
    num_engaged: Ints
    num_views: Ints
    is_new_user: Bools
    is_friend: Bools
    friends_first: Bools
    embedding: NDArray[np.float32]


@dataclass(frozen=True)
class Slates:
    """Users with their candidates; matrices are ``(U, C)``, ``embedding`` is ``(U, C, d)``.

    ``row`` numbers the candidates, ``is_there`` is false beyond a user's last one. ``length`` ``(U,)`` is how long
    each pool becomes; ``is_new_user`` and ``friends_first`` are ``(U,)`` too.
    """

    user: Ints
    length: Ints
    row: Ints
    is_there: Bools
    source: NDArray[np.int32]
    topic: NDArray[np.int8]
    content_type: NDArray[np.int8]
    age: NDArray[np.int8]
    is_little_known: Bools
    num_engaged: Ints
    num_views: Ints
    is_new_user: Bools
    is_friend: Bools
    friends_first: Bools
    embedding: NDArray[np.float32]


def slates_of(candidates: Candidates, size: int, max_per_author: int, cells: int = CELLS) -> Iterator[Slates]:
    """Every user once, with at most ``max_per_author`` candidates per author, in matrices of about ``cells`` cells.

    The best candidate has the highest value, then the lowest post id. Raises ``ValueError`` for a value that is not a
    number and for a post that occurs twice among a user's candidates.
    """
    refuse(candidates)
    best_first = np.lexsort((candidates.post, -candidates.value, candidates.user))
    users, authors = candidates.user[best_first], candidates.author[best_first]
    rows = best_first[best_of_each_author(users, authors, candidates.has_author[best_first], max_per_author)]
    users = candidates.user[rows]
    starts = group_starts(users)
    counts = np.diff(starts, append=len(users))
    by_count = np.argsort(counts, kind="stable")  # users of a matrix have about as many candidates
    first = 0
    while first < len(by_count):
        fitting = np.arange(1, len(by_count) - first + 1) * counts[by_count[first:]] <= cells
        some = by_count[first : first + max(1, int(fitting.sum()))]
        yield _slates(candidates, rows, starts[some], counts[some], size)
        first += len(some)


def refuse(candidates: Candidates) -> None:
    """Raise ``ValueError``, naming a user and a post, if a value is not a number or a post occurs twice."""
    lost = np.flatnonzero(np.isnan(candidates.value))
    if len(lost):
        raise ValueError(
            f"{len(lost)} candidates have no number as value_score, for example post {candidates.post[lost[0]]} for "
            f"user {candidates.user[lost[0]]}: score them again"
        )
    order = np.lexsort((candidates.post, candidates.user))
    user, post = candidates.user[order], candidates.post[order]
    twice = np.flatnonzero((user[1:] == user[:-1]) & (post[1:] == post[:-1]))
    if len(twice):
        raise ValueError(f"post {post[twice[0]]} stands twice among the candidates of user {user[twice[0]]}")


def _slates(candidates: Candidates, rows: Ints, starts: Ints, counts: Ints, size: int) -> Slates:
    places = np.arange(counts.max())
    is_there = places < counts[:, None]
    row = rows[starts[:, None] + np.minimum(places, counts[:, None] - 1)]

    def matrix(column: NDArray[Any], kind: Any) -> NDArray[Any]:
        return column[row].astype(kind, copy=False)

    sources = np.unique(candidates.source[row], return_inverse=True)
    source = sources[1].reshape(row.shape) + (0 if len(sources[0]) and sources[0][0] != NONE else NONE)
    return Slates(
        user=candidates.user[row[:, 0]],
        length=np.minimum(counts, size),
        row=row,
        is_there=is_there,
        source=source.astype(np.int32),
        topic=matrix(candidates.topic, np.int8),
        content_type=matrix(candidates.content_type, np.int8),
        age=matrix(candidates.age, np.int8),
        is_little_known=matrix(candidates.is_little_known, np.bool_),
        num_engaged=candidates.num_engaged[row],
        num_views=candidates.num_views[row],
        is_new_user=candidates.is_new_user[row[:, 0]],
        is_friend=matrix(candidates.is_friend, np.bool_),
        friends_first=candidates.friends_first[row[:, 0]],
        embedding=candidates.embedding[row],
    )
