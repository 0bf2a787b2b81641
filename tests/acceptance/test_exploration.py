"""Logged exploration: draws follow their logged probabilities, and another policy can be valued from them."""

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import chi2

from analysis.off_policy.decisions import DecisionLog, ips, self_normalised
from analysis.position_bias import NUM_GROUPS, Counts, from_randomised
from contracts.settings import Exploration, PoolRules
from spark_jobs.rerank.pools import Plan, fill_pools
from spark_jobs.rerank.slates import Candidates
from tests.candidate_sets import candidates, plan

USERS, ARMS, EVERY = 40_000, 12, 10
ENGAGED, VIEWS = np.arange(ARMS) * 3 % 17, np.full(ARMS, 40)
RATES = np.linspace(0.05, 0.55, ARMS)[::-1] * np.where(np.arange(ARMS) % 3 == 0, 0.5, 1.0)
"""What users make of each post, which is not what few views have told so far."""
EXAMINATION_POWER = 0.35


@dataclass(frozen=True)
class Drawn:
    """Draws of many users of the same candidates: who, where, which of ``ARMS``, with which chance, below what."""

    user: NDArray[np.int64]
    rank: NDArray[np.int64]
    arm: NDArray[np.int64]
    propensity: NDArray[np.float64]
    above: list[tuple[int, ...]]


def everyones(first: int, number: int) -> Candidates:
    """The same little-known posts for each of ``number`` users, whose ids begin at ``first``."""
    return candidates(
        number * ARMS,
        user=np.repeat(np.arange(first, first + number), ARMS),
        post=np.tile(np.arange(ARMS), number),
        author=np.tile(np.arange(ARMS), number),
        value=np.tile(-np.arange(ARMS, dtype=float), number),
        is_little_known=True,
        num_engaged=np.tile(ENGAGED, number),
        num_views=np.tile(VIEWS, number),
    )


def draw(how: Plan, first: int = 0, number: int = USERS) -> Drawn:
    found = everyones(first, number)
    places = fill_pools(found, how)
    user, post = found.user[places.row], found.post[places.row]
    pools = post.reshape(number, -1)
    explored = np.flatnonzero(places.is_exploration)
    above = [tuple(pools[i // pools.shape[1], : i % pools.shape[1]].tolist()) for i in explored.tolist()]
    return Drawn(user[explored], places.rank[explored], post[explored], places.propensity[explored], above)


def policy(**changes: Any) -> Plan:
    """Pools of ten places, one of which is drawn for."""
    rules = Exploration(every=EVERY, **changes)
    return replace(plan(("topic",)), pool=PoolRules(size=EVERY), exploration=rules)


def test_draws_come_as_often_as_is_logged() -> None:
    """Over the nights of many users: what is drawn in one situation, against its logged chances."""
    drawn_there: dict[tuple[int, ...], list[tuple[int, float]]] = defaultdict(list)
    longer = replace(policy(), pool=PoolRules(size=ARMS))  # so that some users have two draws
    for day in range(3):
        drawn = draw(replace(longer, day=day), number=USERS // 2)
        for above, arm, chance in zip(drawn.above, drawn.arm.tolist(), drawn.propensity.tolist(), strict=True):
            drawn_there[above].append((arm, chance))
    statistic, freedom, num_draws = 0.0, 0, 0
    for above, draws in drawn_there.items():
        chances = dict(draws)
        assert all(chances[arm] == chance for arm, chance in draws)  # one situation, one chance
        assert not chances.keys() & set(above)
        if len(draws) < 400:
            continue
        counts = np.array([sum(arm == one for arm, _ in draws) for one in chances])
        expected = len(draws) * np.array(list(chances.values()))
        rest, rest_expected = len(draws) - counts.sum(), len(draws) - expected.sum()
        statistic += ((counts - expected) ** 2 / expected).sum()
        statistic += (rest - rest_expected) ** 2 / rest_expected if rest_expected > 1 else 0.0
        freedom += len(chances) - (rest_expected <= 1)
        num_draws += len(draws)
    p_value = float(chi2.sf(statistic, freedom))
    print(
        f"{num_draws:,} draws in {sum(len(draws) >= 400 for draws in drawn_there.values())} situations: chi-square "
        f"{statistic:.0f} on {freedom} degrees of freedom, p = {p_value:.2f}"
    )
    assert num_draws > 50_000
    assert p_value > 0.01


@pytest.mark.parametrize(("logging", "target"), [(0.1, 0.9), (0.9, 0.1)])
def test_ips_from_one_policys_log_gives_the_value_of_another(logging: float, target: float) -> None:
    """Policies that explore more and less evenly; the value of each is measured in a run of its own."""
    log = draw(policy(uniform=logging))
    rewards = np.random.default_rng(5).random(len(log.arm)) < RATES[log.arm]
    num_arms = ARMS - log.rank + 1  # of the candidates above, none was drawn
    best = (log.propensity - logging / num_arms) / (1 - logging)
    chances = (1 - target) * best + target / num_arms
    decisions = DecisionLog(rewards.astype(float), log.propensity, chances, clusters=log.user)
    other = draw(policy(uniform=target), first=10**6)
    value, own = float(RATES[other.arm].mean()), float(RATES[log.arm].mean())
    for estimate in (ips(decisions), self_normalised(decisions)):
        print(
            f"{estimate.estimator} of the policy with an even share of {target} from the log of {logging}: "
            f"{estimate.value:.4f} [{estimate.low:.4f}, {estimate.high:.4f}], its own run {value:.4f}; "
            f"the logging policy {own:.4f}"
        )
        assert estimate.low < value < estimate.high
        assert not estimate.low < own < estimate.high  # the two can be told apart
        assert not estimate.warnings


def test_how_often_positions_are_examined_is_found_from_explored_places() -> None:
    """Every position is explored for as many users, so they are compared on the same kind of posts."""
    log = draw(policy(uniform=0.5))
    examined = np.arange(1.0, EVERY + 1) ** -EXAMINATION_POWER
    # Whatever stands above was not drawn, so those left are compared: here they are all equally good.
    engaged = np.random.default_rng(6).random(len(log.arm)) < 0.6 * examined[log.rank - 1]
    counts = Counts(
        bin=log.rank - 1,
        reach=np.full(len(log.arm), EVERY),
        group=log.user % NUM_GROUPS,
        num_impressions=np.ones(len(log.arm)),
        inverse=1 / log.propensity,
        engaged_inverse=engaged / log.propensity,
    )
    curve = from_randomised(counts)
    print(
        "examined by position: "
        + ", ".join(f"{found:.2f} ({true:.2f})" for found, true in zip(curve.examined, examined, strict=True))
    )
    assert ((curve.low <= examined) & (examined <= curve.high)).mean() >= 0.8
    assert np.abs(curve.examined / examined - 1).max() < 0.1
