"""Fill pools place by place with the best candidate that breaks no rule, for many users at a time."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contracts.settings import Exploration, PoolRules, RerankRules
from spark_jobs.rerank.exploration import Explorer
from spark_jobs.rerank.rules.friends import Friends
from spark_jobs.rerank.rules.mix import Mix
from spark_jobs.rerank.rules.rule import Rule
from spark_jobs.rerank.rules.similarity import Similarity
from spark_jobs.rerank.rules.source import Source
from spark_jobs.rerank.rules.topic import Topic
from spark_jobs.rerank.slates import CELLS, Candidates, Slates, slates_of

Ints = NDArray[np.int64]

USED = np.uint8(255)
"""Code of a candidate that is already used: it breaks more than all rules."""


@dataclass(frozen=True)
class Plan:
    """Parameters for filling pools; ``day`` is the night's ordinal."""

    pool: PoolRules
    rerank: RerankRules
    exploration: Exploration
    seed: int
    day: int
    cells: int = CELLS


@dataclass(frozen=True)
class Places:
    """Places of pools, by user and rank; every column is ``(n,)``.

    ``row`` numbers the candidates. Bit ``i`` of ``broken`` is set if the post breaks the rule that is ``i`` places from
    the end of ``RerankRules.order``; every other remaining candidate broke it, or a more important rule, too.
    """

    row: Ints
    rank: Ints
    is_exploration: NDArray[np.bool_]
    propensity: NDArray[np.float64]
    broken: NDArray[np.uint8]


def rules_of(slates: Slates, rules: RerankRules) -> list[Rule]:
    """The rules in force, those that give way first at the front."""
    types = (rules.status, rules.photo, rules.video, rules.link)
    ages = (rules.under_1h, rules.under_6h, rules.under_24h, rules.older)
    made: dict[str, Rule] = {}
    for name in rules.order:
        if name == "topic":
            made[name] = Topic(slates, rules)
        elif name == "source":
            made[name] = Source(slates, rules)
        elif name == "friends":
            made[name] = Friends(slates)
        elif name == "similarity":
            made[name] = Similarity(slates, rules)
        else:
            kind, shares = (slates.content_type, types) if name == "type" else (slates.age, ages)
            made[name] = Mix(slates, kind, shares, rules)
    return [made[name] for name in reversed(rules.order)]


def fill_pools(candidates: Candidates, plan: Plan) -> Places:
    """Every user's pool; it does not depend on the order of ``candidates`` or on other users."""
    parts = [
        fill(slates, plan) for slates in slates_of(candidates, plan.pool.size, plan.pool.max_per_author, plan.cells)
    ]
    row, rank, is_exploration, propensity, broken = (
        np.concatenate([getattr(part, name) for part in parts] or [np.zeros(0, dtype=kind)])
        for name, kind in (
            ("row", int),
            ("rank", int),
            ("is_exploration", bool),
            ("propensity", float),
            ("broken", "u1"),
        )
    )
    order = np.lexsort((rank, candidates.user[row]))
    return Places(row[order], rank[order], is_exploration[order], propensity[order], broken[order])


def fill(slates: Slates, plan: Plan) -> Places:
    """The pools of the users of ``slates``: each place gets the candidate that breaks the least, then the best.

    Breaking one rule is worse than breaking all rules that give way before it. A draw is made among candidates that
    break as little as the candidate that would get the place otherwise.
    """
    rules = rules_of(slates, plan.rerank)
    explorer = Explorer(slates, plan.exploration, seed=plan.seed, day=plan.day)
    users, longest = np.arange(len(slates.user)), int(slates.length.max())
    used = ~slates.is_there
    picked = np.zeros((len(users), longest), dtype=np.int64)
    propensity = np.ones((len(users), longest))
    is_drawn = np.zeros((len(users), longest), dtype=bool)
    broken = np.zeros((len(users), longest), dtype=np.uint8)
    for place in range(1, longest + 1):
        codes = np.zeros(used.shape, dtype=np.uint8)
        for bit, rule in enumerate(rules):
            codes |= rule.breaks(place).view(np.uint8) << np.uint8(bit)
        codes[used] = USED
        best = codes.argmin(axis=1)
        least = codes[users, best]
        of_user, drawn, chances = explorer.draw(place, (codes == least[:, None]) & ~used)
        best[of_user] = drawn
        picked[:, place - 1], broken[:, place - 1] = best, least
        propensity[of_user, place - 1], is_drawn[of_user, place - 1] = chances, True
        used[users, best] = True
        for rule in rules:
            rule.put(place, best)
    is_filled = np.arange(longest) < slates.length[:, None]
    row, rank = slates.row[users[:, None], picked], np.broadcast_to(np.arange(1, longest + 1), picked.shape)
    return Places(row[is_filled], rank[is_filled], is_drawn[is_filled], propensity[is_filled], broken[is_filled])
