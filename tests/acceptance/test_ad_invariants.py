"""Ads of random users and campaigns keep budgets, caps, distances and targets, though groups never meet."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from contracts.settings import AdRules
from spark_jobs.rerank.ads.auction import ANY, Draw, Offers
from spark_jobs.rerank.ads.worker import AdPlan, fill_group
from spark_jobs.rerank.ranked_ads import fill

RULES = AdRules()
COUNTRIES, TOPICS = ("DE", "FR"), ("food", "sports")
OLDEST = np.iinfo(np.int32).max
USERS = pa.schema(
    {
        "user_id": pa.int64(),
        "length": pa.int32(),
        "sensitive": pa.list_(pa.int32()),
        "barred": pa.list_(pa.int64()),
        "country": pa.string(),
        "interests": pa.list_(pa.string()),
        "birth_year": pa.int32(),
        "asks_fewer": pa.bool_(),
        "readiness": pa.float64(),
    }
)


@dataclass(frozen=True)
class World:
    """Random users and campaigns; two campaigns target every user, and their bids are the highest."""

    seed: int
    num_users: int
    num_campaigns: int
    num_groups: int

    def users(self) -> list[dict[str, Any]]:
        draw = np.random.default_rng(self.seed)
        return [
            {
                "user_id": int(user),
                "length": int(draw.integers(0, 101)),
                "sensitive": sorted(set(draw.integers(1, 101, draw.integers(0, 8)).tolist())),
                "barred": draw.integers(0, 3 * self.num_campaigns, 2).tolist(),
                "country": (None, *COUNTRIES)[draw.integers(0, 3)],
                "interests": [topic for topic in TOPICS if draw.random() < 0.5],
                "birth_year": None if draw.random() < 0.2 else int(draw.integers(1940, 2012)),
                "asks_fewer": bool(draw.random() < 0.3),
                "readiness": float(draw.integers(1, 5)) / 2,
            }
            for user in np.unique(draw.integers(-(2**62), 2**62, self.num_users))
        ]

    def plan(self) -> AdPlan:
        draw = np.random.default_rng(self.seed + 1)
        num_ads = 3 * self.num_campaigns
        campaign = np.repeat(np.arange(self.num_campaigns), 3)
        is_for_all = campaign < 2
        bid = np.where(is_for_all, 5_000_000, draw.integers(10_000, 900_000, num_ads))
        rate = draw.integers(1, 9, num_ads) / 100
        by_topic = (draw.random((num_ads, 2)) < 0.3) & ~is_for_all[:, None]
        by_age = (draw.random(num_ads) < 0.3) & ~is_for_all
        allowance = draw.integers(0, 2 * self.num_users + 2, self.num_campaigns)
        allowance[self.num_campaigns - 1] = 0
        offers = Offers(
            ad_id=np.arange(num_ads) + 700,
            campaign_id=campaign + 90,
            post_id=np.arange(num_ads),
            bid_micros=bid,
            click_rate=rate,
            strength=bid / 1e6 * rate,
            cap=draw.integers(1, RULES.max_per_ad + 1, num_ads),
            country=np.where(is_for_all, ANY, draw.integers(-1, 2, num_ads)),
            topics=by_topic,
            min_age=np.where(by_age, 30, 0),
            max_age=np.where(by_age, 50, OLDEST),
            campaign=campaign,
            allowance=allowance,
            is_even=draw.random(self.num_campaigns) < 0.5,
        )
        countries = {name: code for code, name in enumerate(COUNTRIES)}
        return AdPlan(offers, countries, list(TOPICS), RULES, Draw(20, 7), self.num_groups, 2026)


worlds = st.builds(
    World,
    seed=st.integers(0, 10_000),
    num_users=st.integers(1, 60),
    num_campaigns=st.integers(1, 6),
    num_groups=st.sampled_from((1, 3, 200)),
)


def filled(users: list[dict[str, Any]], plan: AdPlan) -> list[dict[str, Any]]:
    """The ads of all groups, filled apart."""
    of_group: dict[int, list[dict[str, Any]]] = {}
    for user in users:
        of_group.setdefault(user["user_id"] % plan.num_groups, []).append(
            {**user, "group": user["user_id"] % plan.num_groups}
        )
    schema = USERS.append(pa.field("group", pa.int64()))
    return [
        row
        for members in of_group.values()
        for row in fill_group(plan, pa.Table.from_pylist(members, schema=schema)).to_pylist()
    ]


@settings(max_examples=60, deadline=None)
@given(world=worlds)
def test_ads_keep_budgets_caps_distances_and_targets(world: World) -> None:
    users, plan = world.users(), world.plan()
    found = filled(users, plan)
    offers, known = plan.offers, {user["user_id"]: user for user in users}
    spent = Counter(row["campaign_id"] for row in found)
    assert all(spent[number + 90] <= most for number, most in enumerate(offers.allowance))
    per_user = Counter((row["user_id"], row["ad_id"]) for row in found)
    assert all(count <= offers.cap[ad - 700] for (_, ad), count in per_user.items())
    after: dict[int, list[int]] = {}
    for row in found:
        user, ad = known[row["user_id"]], row["ad_id"] - 700
        after.setdefault(row["user_id"], []).append(row["after_rank"])
        assert row["after_rank"] <= user["length"]
        assert not {row["after_rank"], row["after_rank"] + 1} & set(user["sensitive"])
        assert row["post_id"] not in user["barred"]
        wanted = {topic for topic, is_wanted in zip(TOPICS, offers.topics[ad], strict=True) if is_wanted}
        assert not wanted or wanted & set(user["interests"])
        assert offers.country[ad] == ANY or COUNTRIES[offers.country[ad]] == user["country"]
        assert offers.min_age[ad] == 0 or 30 <= 2026 - (user["birth_year"] or 0) <= 50
    for user_id, ranks in after.items():
        every = RULES.every_for_fewer if known[user_id]["asks_fewer"] else RULES.every
        assert np.diff([0, *sorted(ranks)]).min() >= every


@settings(max_examples=40, deadline=None)
@given(world=worlds)
def test_no_ad_and_user_would_rather_have_each_other(world: World) -> None:
    """Where one group holds all users: a place with a weaker ad, or none, means that the stronger one is used up."""
    users, offers = world.users(), world.plan().offers
    one = World(world.seed, world.num_users, world.num_campaigns, 1).plan()
    found = filled(users, one)
    spent = Counter(row["campaign_id"] for row in found)
    per_user = Counter((row["user_id"], row["ad_id"]) for row in found)
    with_ad = {row["user_id"]: row for row in found if row["place"] == 1}
    for ad in np.flatnonzero(np.isin(offers.campaign, (0, 1)) & ~offers.is_even[offers.campaign]):
        if spent[int(offers.campaign_id[ad])] < offers.allowance[offers.campaign[ad]]:
            for user in users:
                row = with_ad.get(user["user_id"])
                weaker = row is not None and offers.strength[row["ad_id"] - 700] < offers.strength[ad]
                at_cap = per_user[user["user_id"], int(offers.ad_id[ad])] == offers.cap[ad]
                assert not weaker or at_cap or int(offers.post_id[ad]) in user["barred"]


def test_an_even_campaign_leaves_places_for_later() -> None:
    users = [
        {**user, "length": 100, "sensitive": [], "barred": [], "asks_fewer": False}
        for user in World(3, 50, 1, 1).users()
    ]
    plan = World(3, 50, 1, 1).plan()
    for is_even, first in ((True, 10), (False, 50)):
        offers = Offers(**{**vars(plan.offers), "allowance": np.array([120]), "is_even": np.array([is_even])})
        found = filled(users, AdPlan(**{**vars(plan), "offers": offers}))
        assert len(found) == 120
        assert Counter(row["place"] for row in found)[1] == first


def test_ads_are_the_same_whatever_the_partitions(spark: SparkSession) -> None:
    """Two campaigns bid for every user; 20 groups in 2 and in 7 partitions spend what they have, and no more."""
    world = World(5, 200, 4, 20)
    plan = world.plan()
    names = "user_id BIGINT, length INT, sensitive ARRAY<INT>, barred ARRAY<BIGINT>, country STRING, "
    names += "interests ARRAY<STRING>, birth_year INT, asks_fewer BOOLEAN, readiness DOUBLE"
    frame = spark.createDataFrame([tuple(user.values()) for user in world.users()], names)
    found = [sorted(map(tuple, fill(frame.repartition(number, "user_id"), plan).collect())) for number in (2, 7)]
    assert found[0] == found[1]
    spent = Counter(row[4] for row in found[0])
    assert spent[90] + spent[91] > 100
    assert all(spent[number + 90] <= most for number, most in enumerate(plan.offers.allowance))
