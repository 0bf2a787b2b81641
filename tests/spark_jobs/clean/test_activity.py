"""silver.impressions and silver.engagements, which read the same users and posts."""

from collections.abc import Callable
from datetime import date

from spark_jobs.clean import ads, campaigns, engagements, impressions, posts, users
from spark_jobs.night.lake import checksum
from spark_jobs.night.night import Night
from spark_jobs.night.writers import append_rows
from tests.landed import ad, bronze_rows, campaign, engagement, event, impression, post, user

BIG = 2**53 + 1


def test_activity_is_kept_where_its_references_hold(make_night: Callable[..., Night]) -> None:
    night = make_night()
    rows = [
        user(BIG),
        post(1, BIG),
        event("post_deleted", "gone", post_id=1),
        impression("i1", BIG, 1, at="2026-03-07T23:59:59Z", epoch=4, propensity=0.25, surface="search"),
        impression("i2", BIG, 1),
        impression("i3", BIG - 1, 1),
        impression("i4", BIG, 2),
        campaign(6, BIG),
        ad(7, 6, 1),
        impression("i6", BIG, 1, ad_id=7, connection="wifi", arms=["ranker:b", None], surface="ads"),
        impression("i7", BIG, 1, ad_id=8),
        engagement("e5", BIG, 1, ad_id=7),
        engagement("e6", BIG, 1, ad_id=8),
        engagement("e1", BIG, 1, engagement_type="dwell", dwell_ms=1500, impression_id="i1", detail="read"),
        engagement("e2", 9, 1),
        engagement("e3", BIG, 2),
        event("reaction", "r1", post_id=1, engagement_type="accept", user_id=BIG),
        event("reaction", "r2", post_id=2, engagement_type="like"),
        event("moderation", "m1", post_id=1, detail="closed"),
        event("moderation", "m2", post_id=2, detail="closed"),
        # Its post was withheld, which is no fault of the like: it waits.
        post(3, 9),
        engagement("e4", BIG, 3),
    ]
    append_rows(night.lake, "bronze.events", bronze_rows(night.spark, rows))
    users.main(night)
    posts.main(night)
    campaigns.main(night)
    ads.main(night)
    tables = ("silver.impressions", "silver.engagements", "bronze.quarantine")
    sums = []
    for _ in range(2):
        impressions.main(night)
        engagements.main(night)
        sums.append([checksum(night.read(name)) for name in tables])
    assert sums[0] == sums[1]
    shown = night.read("silver.impressions").orderBy("impression_id").collect()
    assert [(row["impression_id"], row["surface"], row["epoch"], row["event_date"]) for row in shown] == [
        ("i1", "search", 4, date(2026, 3, 7)),
        ("i2", "feed", None, date(2026, 3, 8)),
        ("i6", "ads", None, date(2026, 3, 8)),
    ]
    assert [(row["ad_id"], row["connection"], row["arms"]) for row in shown[1:]] == [
        (None, None, None),
        (7, "wifi", ["ranker:b"]),
    ]
    assert {row["user_id"] for row in shown} == {BIG}
    done = night.read("silver.engagements").orderBy("engagement_id").collect()
    assert [(row["engagement_id"], row["user_id"], row["engagement_type"], row["detail"]) for row in done] == [
        ("e1", BIG, "dwell", "read"),
        ("e5", BIG, "like", None),
        ("r1", None, "accept", None),
    ]
    assert [row["ad_id"] for row in done] == [None, 7, None]
    assert (done[0]["dwell_ms"], done[0]["impression_id"]) == (1500, "i1")
    refused = night.read("bronze.quarantine").orderBy("event_id").collect()
    assert [(row["event_id"], row["reason"], row["detail"]) for row in refused] == [
        ("e2", "unknown_user", "user_id=9"),
        ("e3", "unknown_post", "post_id=2"),
        ("e4", "withheld_post", "post_id=3"),
        ("e6", "unknown_ad", "ad_id=8"),
        ("i3", "unknown_user", f"user_id={BIG - 1}"),
        ("i4", "unknown_post", "post_id=2"),
        ("i7", "unknown_ad", "ad_id=8"),
        ("m2", "unknown_post", "post_id=2"),
        ("post-3", "unknown_user", "author_id=9"),
        ("r2", "unknown_post", "post_id=2"),
    ]
