"""gold.ranked_ads of hand-made tables: who is shown what, and what campaigns may still spend."""

import json
from collections import Counter
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import Row, SparkSession

from contracts.settings import AdRules, Settings
from spark_jobs.audit.ads import CHECKS, check_ads
from spark_jobs.night.night import Night
from spark_jobs.rerank import ranked_ads
from spark_jobs.rules.ad_money import money_of_campaigns
from spark_jobs.rules.policy import read_policy
from tests.feed_rows import AS_OF, DS, MemoryLake, frame_of, hours, keep

ANN, BOB, CAT, SHOP = 1, 2, 3, 50
RICH, POOR, NONE_LEFT, ENDED, LATER = 90, 91, 92, 93, 94
Tables = dict[str, list[dict[str, Any]]]
Rank = Callable[..., list[Row]]


def campaign(campaign_id: int, budget: float, **columns: Any) -> dict[str, Any]:
    known = {"pacing": "asap", "starts_at": hours(99), "updated_at": hours(99), "received_at": hours(99)}
    return {"campaign_id": campaign_id, "advertiser_id": SHOP, "budget": budget, **known, **columns}


def ad(ad_id: int, campaign_id: int, bid: float, **columns: Any) -> dict[str, Any]:
    known = {"is_active": True, "updated_at": hours(99), "received_at": hours(99), "post_id": 1000 + ad_id}
    return {"ad_id": ad_id, "campaign_id": campaign_id, "bid": bid, **known, **columns}


def click(user_id: int, ad_id: int, day: date, number: int = 0) -> dict[str, Any]:
    at = AS_OF.replace(month=day.month, day=day.day, hour=12)
    known = {
        "engagement_type": "click",
        "engaged_at": at,
        "received_at": at,
        "event_date": day,
        "post_id": 1000 + ad_id,
    }
    return {"engagement_id": f"{user_id}-{ad_id}-{day}-{number}", "user_id": user_id, "ad_id": ad_id, **known}


def placed(user_id: int, ad_id: int, ds: date, place: int = 1, bid_micros: int = 1_000_000) -> dict[str, Any]:
    named = {"user_id": user_id, "ad_id": ad_id, "campaign_id": RICH, "post_id": 1000 + ad_id}
    return {**named, "place": place, "after_rank": 8 * place, "bid_micros": bid_micros, "ds": ds}


def tables() -> Tables:
    """Pools of 24 posts for three users; Cat asks for fewer ads, and Bob's eighth post is not safe for work."""
    ads = [
        ad(1, RICH, 1.0, countries=["DE"]),
        ad(2, POOR, 2.0, frequency_cap=1),
        ad(3, NONE_LEFT, 9.0),
        ad(4, ENDED, 9.0),
        ad(5, LATER, 9.0),
        ad(6, RICH, 9.0, is_active=False),
        ad(7, RICH, 9.0, post_id=1003),
        ad(8, RICH, 0.0),
    ]
    posts: list[dict[str, Any]] = [{"post_id": 1000 + number, "author_id": SHOP} for number in (1, 2, 3, 4, 5, 6, 8)]
    posts[2] |= {"privacy": "friends"}
    pools = [{"user_id": u, "rank": r, "post_id": r, "author_id": 7} for u in (ANN, BOB, CAT) for r in range(1, 25)]
    for row in pools:
        row["post_id"] += 100 if row["user_id"] == BOB else 0
    users: list[dict[str, Any]] = [
        {"user_id": u, "name": "", "country": "DE" if u != CAT else "FR"} for u in (ANN, BOB, CAT)
    ]
    users[2]["feed_preferences"] = ["fewer_ads"]
    return {
        "silver.campaigns": [
            campaign(RICH, 100.0),
            campaign(POOR, 6.5),
            campaign(NONE_LEFT, 0.0),
            campaign(ENDED, 100.0, ends_at=AS_OF + timedelta(hours=23)),
            campaign(LATER, 100.0, starts_at=AS_OF + timedelta(hours=1)),
        ],
        "silver.ads": ads,
        "silver.posts": posts,
        "silver.users": users,
        "gold.ranked_feeds": pools,
        "silver.content_labels": [{"post_id": 108, "labeller_type": "person", "label": "nsfw", "value": True}],
    }


@pytest.fixture
def rank(spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Rank:
    monkeypatch.setattr(ranked_ads, "write_partition", keep)

    def run(rows: Tables, rules: AdRules | None = None) -> list[Row]:
        lake = MemoryLake(spark, "memory", rows)
        ranked_ads.main(Night(lake, DS, "", tmp_path, Settings(ads=rules or AdRules())))
        return sorted(lake.written, key=lambda row: (row.user_id, row.place))

    return run


def test_the_dearest_ads_come_first_within_targets_caps_budgets_and_distances(rank: Rank, tmp_path: Path) -> None:
    rows = tables()
    found = rank(rows)
    assert Counter(row.ad_id for row in found) == {1: 3, 2: 3}  # a bid of 2 and 6.5 left: three places
    after = {(row.user_id, row.place): row.after_rank for row in found}
    assert {key: rank for key, rank in after.items() if key[0] == ANN} == {(ANN, 1): 8, (ANN, 2): 16, (ANN, 3): 24}
    # Bob's eighth post is not safe for work: no ad before it or after it; Cat is in no targeted country.
    assert {after[key] for key in after if key[0] == BOB} <= {9, 17}
    assert all(row.ad_id == 2 and row.after_rank == 16 for row in found if row.user_id == CAT)
    assert all(row.bid_micros == 1_000_000 * row.ad_id for row in found)
    assert found[0].ecpm == pytest.approx(1000 * found[0].ad_id * found[0].p_click)
    assert json.loads((tmp_path / DS.isoformat() / "ads.json").read_text())["campaigns"] == 2


def test_what_a_user_must_not_see_is_not_advertised(rank: Rank) -> None:
    rows = tables()
    rows["silver.blocks"] = [{"user_id": SHOP, "blocked_id": ANN}]
    hide = {"engagement_type": "hide", "engaged_at": hours(5), "received_at": hours(5), "event_date": DS}
    rows["silver.engagements"] = [{"engagement_id": "h", "user_id": BOB, "post_id": 1001, **hide}]
    rows["silver.ads"].append(ad(9, RICH, 9.0))
    rows["silver.posts"].append({"post_id": 1009, "author_id": 9})
    rows["silver.content_labels"].append({"post_id": 1009, "labeller_type": "person", "label": "nsfw", "value": True})
    rows["gold.ranked_feeds"][50]["post_id"] = 1002  # of Cat
    assert {(row.user_id, row.ad_id) for row in rank(rows)} == {(BOB, 2)}
    assert rank(tables(), AdRules(every=0)) == []


def test_what_was_clicked_or_may_still_be_is_spent(spark: SparkSession, tmp_path: Path) -> None:
    old, late = DS - timedelta(days=6), DS - timedelta(days=1)
    rows = tables()
    rows["gold.ranked_ads"] = [
        placed(ANN, 1, old, 1, 3_000_000),  # clicked twice: one click is charged, at the bid of then
        placed(BOB, 1, old, 1, 3_000_000),  # not clicked
        placed(ANN, 1, late, 1),  # not clicked, but clicks may still arrive
        placed(ANN, 1, late, 2),
        placed(ANN, 1, DS),  # a rerun does not count itself
    ]
    day = old + timedelta(days=1)
    rows["silver.engagements"] = [
        click(ANN, 1, day),
        click(ANN, 1, day, 1),
        click(CAT, 1, day),  # on a planned day, but not planned for Cat: it is not charged
        click(CAT, 1, day + timedelta(days=1)),  # on a pool of the day before, as a night failed: neither
        click(CAT, 1, old),  # before ads were planned: at the bid of today
    ]
    night = Night(MemoryLake(spark, "memory", rows), DS, "", tmp_path, Settings())
    found = {row.campaign_id: row for row in money_of_campaigns(night).collect()}
    assert found[RICH].spent_micros == 3_000_000 + 2_000_000 + 1_000_000
    assert found[RICH].tonight_micros == 94_000_000
    assert set(found) == {RICH, POOR, NONE_LEFT}
    assert found[NONE_LEFT].tonight_micros == 0


def test_pacing_spreads_what_is_left(spark: SparkSession, tmp_path: Path) -> None:
    cases: list[tuple[dict[str, Any], int]] = [
        ({"daily_budget": 2.5}, 2_500_000),
        ({"daily_budget": 0.0}, 0),
        ({"pacing": "even"}, 14_285_714),  # over a week
        ({"pacing": "even", "ends_at": AS_OF + timedelta(days=4)}, 25_000_000),
        ({"pacing": "even", "daily_budget": 200.0}, 100_000_000),
    ]
    rows: Tables = {"silver.campaigns": [campaign(number, 100.0, **case) for number, (case, _) in enumerate(cases)]}
    night = Night(MemoryLake(spark, "memory", rows), DS, "", tmp_path, Settings())
    found = {row.campaign_id: row.tonight_micros for row in money_of_campaigns(night).collect()}
    assert found == {number: tonight for number, (_, tonight) in enumerate(cases)}


def test_the_audit_counts_every_broken_rule(spark: SparkSession, tmp_path: Path) -> None:
    rows = tables()
    rows["silver.campaigns"][1]["budget"] = 1.0
    good = [placed(ANN, 1, DS, place) for place in (1, 2, 3)]
    broken = [
        {**placed(ANN, 1, DS, 4), "after_rank": 25},  # one post after the ad before it
        {**placed(BOB, 2, DS), "campaign_id": POOR, "bid_micros": 2_000_000},  # beside a sensitive post, overspent
        placed(CAT, 1, DS),  # too early for who asks for fewer, in no targeted country
        placed(ANN, 3, DS, 5),  # a post that is not open
    ]
    lake = MemoryLake(spark, "memory", rows)
    night = Night(lake, DS, "", tmp_path, Settings(ads=AdRules(max_per_ad=3)))
    ads = frame_of(spark, "gold.ranked_ads", [*good, *broken])
    checks = check_ads(night, ads, lake.read("gold.ranked_feeds"), read_policy(night).flagged)
    found = {check.name: check.value for check in checks}
    assert [found[name] for name in CHECKS] == [2, 1, 4, 1, 1, 1]
    assert not any(check.passed for check in checks if check.threshold is not None)
    assert found["ad_load"] == pytest.approx(7 / (72 + 7))
