"""Candidates for re-ranking, by hand and random, and a slow reference of how a pool is filled."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import ceil, floor
from typing import Any

import numpy as np
from hypothesis import strategies as st

from contracts.settings import Exploration, PoolRules, RerankRules
from spark_jobs.rerank.pools import Places, Plan
from spark_jobs.rerank.slates import NONE, Candidates

BLANKS: dict[str, Any] = {
    "user": 1,
    "value": 0.0,
    "has_author": True,
    "source": NONE,
    "topic": NONE,
    "content_type": 0,
    "age": 3,
    "is_little_known": False,
    "num_engaged": 0,
    "num_views": 0,
    "is_new_user": False,
    "is_friend": False,
    "friends_first": False,
}
SHARES = (0.2, 0.45, 0.25, 0.1)


def candidates(number: int, **columns: Any) -> Candidates:
    """``number`` candidates, the best first where nothing is said of their value; each of an author of its own."""
    arrays = {
        "post": np.arange(number) + 100,
        "author": np.arange(number) + 900,
        "value": -np.arange(number, dtype=float),
    }
    given = {**BLANKS, **arrays, **columns}
    embedding = given.pop("embedding", np.zeros((number, 0), np.float32))
    filled = {name: np.broadcast_to(np.asarray(value), (number,)) for name, value in given.items()}
    return Candidates(embedding=embedding, **filled)


def plan(order: tuple[str, ...] = ("topic", "source", "type", "friends"), every: int = 0, **changes: Any) -> Plan:
    """The default rules in an ``order``, without exploration, with ``changes`` of the plan."""
    parts = {"pool": PoolRules(), "rerank": RerankRules(order=order), "exploration": Exploration(every=every)}
    return Plan(**{**parts, "seed": 20, "day": 1, **changes})


@dataclass(frozen=True)
class Draw:
    """How candidates are drawn: numbers of users, candidates, authors, sources and topics, and weights of types."""

    seed: int
    num_users: int
    num_candidates: int
    num_authors: int
    num_sources: int
    num_topics: int
    weights: tuple[float, ...]

    def make(self) -> Candidates:
        """The candidates, in an order of chance; few values, so that many are equal."""
        generator = np.random.default_rng(self.seed)
        number = self.num_candidates

        def some(low: int, high: int) -> Any:
            return generator.integers(low, max(high, low + 1), number)

        user = some(1, self.num_users + 1)
        share = np.array(self.weights) / sum(self.weights)
        has_author = generator.random(number) < 0.95
        return candidates(
            number,
            user=user,
            friends_first=user % 2 == 0,
            post=generator.permutation(number) + 1,
            value=some(-5, 20).astype(float),
            author=np.where(has_author, some(0, self.num_authors), 0),
            has_author=has_author,
            source=some(NONE, self.num_sources),
            topic=some(NONE, self.num_topics),
            content_type=generator.choice(4, number, p=share),
            age=some(0, 4),
            is_little_known=generator.random(number) < 0.4,
            is_friend=generator.random(number) < 0.3,
            num_engaged=some(0, 30),
            num_views=some(0, 90),
            embedding=np.rint(127 * _unit(generator.normal(size=(number, 3)))).astype(np.float32),
        )


def _unit(vectors: Any) -> Any:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


draws = st.builds(
    Draw,
    seed=st.integers(0, 2**32),
    num_users=st.integers(1, 4),
    num_candidates=st.integers(0, 260),
    num_authors=st.sampled_from([1, 5, 40, 500]),
    num_sources=st.sampled_from([0, 1, 3, 12]),
    num_topics=st.sampled_from([0, 1, 2, 10]),
    weights=st.sampled_from([SHARES, (1.0, 0.0, 0.0, 0.0), (0.02, 0.9, 0.04, 0.04), (0.4, 0.3, 0.2, 0.1)]),
)


def by_user(found: Candidates) -> dict[int, list[int]]:
    """Rows of each user's candidates that may stand in a pool, the best first."""
    rows: dict[int, list[int]] = {}
    num_of: dict[tuple[int, int], int] = {}
    for row in sorted(range(len(found.user)), key=lambda i: (-found.value[i], found.post[i])):
        key = (int(found.user[row]), int(found.author[row]))
        num_of[key] = num_of.get(key, 0) + bool(found.has_author[row])
        if not found.has_author[row] or num_of[key] <= PoolRules().max_per_author:
            rows.setdefault(key[0], []).append(row)
    return rows


def pools_of(found: Candidates, places: Places) -> dict[int, list[int]]:
    """Rows of each user's pool, in order; ranks are checked on the way."""
    pools: dict[int, list[int]] = {}
    for row, rank in zip(places.row.tolist(), places.rank.tolist(), strict=True):
        pool = pools.setdefault(int(found.user[row]), [])
        pool.append(row)
        assert rank == len(pool)
    return pools


def filled_plainly(found: Candidates, rows: list[int], how: Plan, forced: Mapping[int, int]) -> list[tuple[int, int]]:
    """A pool, as (row, what it breaks), by asking every candidate at every place; ``forced`` are rows by place."""
    left, pool = list(rows), list[tuple[int, int]]()
    length = min(how.pool.size, len(rows))
    for place in range(1, length + 1):
        chosen = [row for row, _ in pool]
        codes = {row: code_of(found, row, chosen, left, at=(place, length), rules=how.rerank) for row in left}
        best = min(left, key=lambda row: codes[row])
        if place in forced:
            assert codes[forced[place]] == codes[best]
            best = forced[place]
        left.remove(best)
        pool.append((best, codes[best]))
    return pool


def code_of(
    found: Candidates, row: int, chosen: list[int], left: list[int], *, at: tuple[int, int], rules: RerankRules
) -> int:
    """Bits of the rules that ``row`` breaks at a place, the one that gives way first the lowest."""
    place, length = at
    end = min(length, ceil(place / rules.page) * rules.page)
    checks: dict[str, Callable[[], bool]] = {
        "topic": lambda: breaks_topic(found.topic, row, chosen, left, length - place),
        "source": lambda: breaks_source(found.source, row, chosen, end),
        "type": lambda: breaks_mix(found.content_type, row, chosen, left, (place, end)),
        "friends": lambda: (
            bool(found.friends_first[row]) and not found.is_friend[row] and any(found.is_friend[i] for i in left)
        ),
        "similarity": lambda: (
            place > rules.similar_after
            and any(found.embedding[i] @ found.embedding[row] > 0.7 * 127**2 for i in chosen[-rules.page :])
        ),
    }
    return sum(1 << bit for bit, name in enumerate(reversed(rules.order)) if checks[name]())


def breaks_source(source: Any, row: int, chosen: list[int], end: int) -> bool:
    """Whether the source has its share of the places up to the end."""
    num = sum(int(source[i] == source[row]) for i in chosen)
    return bool(source[row] != NONE) and num >= max(1, floor(0.3 * end + 1e-9))


def breaks_topic(topic: Any, row: int, chosen: list[int], left: list[int], num_after: int) -> bool:
    """Whether five in a row would be on one topic, now or for want of others later."""
    last_four = [int(topic[i]) for i in chosen[-4:]]
    if topic[row] != NONE and last_four == 4 * [int(topic[row])]:
        return True
    everything = [*chosen, *left]
    most = max([sum(topic[i] == t for i in everything) for t in range(10)])
    if len(everything) - most < ceil((len(chosen) + num_after + 1 - 4) / 5):
        return False
    counts = [sum(topic[i] == t for i in left) for t in range(10)]
    top = counts.index(max(counts))
    is_scarce = len(left) - counts[top] - 1 < ceil((num_after - 4) / 5)
    return is_scarce and last_four != 4 * [top] and bool(topic[row] != top)


def breaks_mix(kind: Any, row: int, chosen: list[int], left: list[int], at: tuple[int, int]) -> bool:
    """Whether the kind has its share of the places up to the end, or others are owed all that are left."""
    place, end = at
    num, more = ([sum(kind[i] == k for i in rows) for k in range(4)] for rows in (chosen, left))
    least = [max(0, floor((share - 0.1) * end + 1e-9)) for share in SHARES]
    most = [ceil((share + 0.1) * end - 1e-9) for share in SHARES]
    owed = [max(0, min(least[k], num[k] + more[k]) - num[k]) for k in range(4)]
    mine = int(kind[row])
    return bool(num[mine] >= most[mine] or (sum(owed) > end - place and owed[mine] == 0))
