"""Sessions, ads and labels against each other and against the truth."""

from collections import Counter, defaultdict
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[3]


def of_type(area: Any, event_type: str) -> list[dict[str, Any]]:
    return [event for event in area.events() if event["event_type"] == event_type]


def test_a_session_holds_its_impressions(area: Any) -> None:
    shown = defaultdict(list)
    for event in of_type(area, "impression"):
        shown[event["session_id"]].append(event)
    sessions = of_type(area, "session")
    whole = 0
    for session in sessions:
        seen = shown[session["session_id"]]
        for event in seen:
            assert session["started_at"] <= event["event_time"] <= session["ended_at"] <= session["event_time"]
            assert all(event[name] == session[name] for name in ("user_id", "device", "connection"))
            assert event["position"] <= session["scroll_depth"]
        whole += max((event["position"] for event in seen), default=0) == session["scroll_depth"]
    assert len(sessions) == len({session["session_id"] for session in sessions}) > 1500
    assert whole / len(sessions) > 0.9  # the others miss an impression that came too late
    devices = Counter(session["device"] for session in sessions)
    assert devices["phone"] / len(sessions) == pytest.approx(0.7, abs=0.04)


def test_ads_reach_only_whom_they_target_while_they_run_and_no_oftener_than_their_cap(area: Any) -> None:
    ads = {event["ad_id"]: event for event in of_type(area, "ad_upserted")}
    campaigns = {event["campaign_id"]: event for event in of_type(area, "campaign_upserted")}
    users = {event["user_id"]: event for event in of_type(area, "user_upserted")}
    posts = {event["post_id"] for event in of_type(area, "post_created")}
    assert {ad["post_id"] for ad in ads.values()} <= posts
    assert {ad["campaign_id"] for ad in ads.values()} == set(campaigns)
    assert {campaign["advertiser_id"] for campaign in campaigns.values()} <= set(users)
    times: Counter[tuple[int, int, str]] = Counter()
    reached: Counter[str] = Counter()
    for event in of_type(area, "impression"):
        if "ad_id" not in event:
            continue
        ad, viewer, at = ads[event["ad_id"]], users[event["user_id"]], event["event_time"]
        campaign = campaigns[ad["campaign_id"]]
        age = int(at[:4]) - viewer["birth_year"]
        assert campaign["starts_at"] <= at < campaign.get("ends_at", "9")
        assert event["post_id"] == ad["post_id"]
        assert event["surface"] == "ads"
        assert event["position"] in {5, 14}
        assert "countries" not in ad or viewer["country"] in ad["countries"]
        assert "interests" not in ad or set(ad["interests"]) & set(viewer["interests"])
        assert ad.get("min_age", 0) <= age <= ad.get("max_age", 200)
        times[event["user_id"], event["ad_id"], at[:10]] += 1
        reached["own" if ad["bid"] == 0.01 else "others"] += 1
    assert all(count <= ads[ad_id].get("frequency_cap", 99) for (_, ad_id, _), count in times.items())
    assert min(reached.values()) > 100


def test_engagements_on_ads_name_the_ad_of_their_impression(area: Any) -> None:
    shown = {event["event_id"]: event for event in of_type(area, "impression")}
    acts = [event for event in of_type(area, "engagement") if event.get("impression_id", "").startswith("adimp")]
    assert {act["engagement_type"] for act in acts} >= {"click", "dwell"}
    pairs = [(act, shown[act["impression_id"]]) for act in acts if act["impression_id"] in shown]
    assert len(pairs) / len(acts) > 0.95
    assert all(act["ad_id"] == seen["ad_id"] and act["post_id"] == seen["post_id"] for act, seen in pairs)
    organic = [act for act in of_type(area, "engagement") if not act.get("impression_id", "").startswith("adimp")]
    assert not [act for act in organic if "ad_id" in act]


def test_clicks_on_ads_follow_the_documented_formula(area: Any) -> None:
    ads = area.ads
    context = ads["device"].map({"phone": 0.1, "tablet": 0.0, "desktop": -0.3})
    context += (ads["slot"] % 4).map({0: -0.2, 1: 0.0, 2: 0.0, 3: 0.2})
    logit = -4.0 + 2.5 * ads["match"] + 0.8 * ads["appeal"] + context
    np.testing.assert_allclose(ads["p_click"], 1 / (1 + np.exp(-logit)), rtol=1e-9)
    assert (ads["p_click"] * ads["p_examine"]).mean() == pytest.approx(ads["is_clicked"].mean(), abs=0.01)


def test_labellers_judge_a_sample_as_well_as_stated(area: Any) -> None:
    labels = area.labels
    right = labels["value"] == labels["truth"]
    people = labels["labeller_type"] == "human"
    three_deviations = 3 * np.sqrt(0.9 * 0.1 / people.sum())
    assert right[people].mean() == pytest.approx(0.90, abs=three_deviations)
    assert right[~people].mean() > 0.90
    assert set(labels[~people]["label"]) == {"misinformation"}
    per_post = labels[people].groupby("post_id")
    assert set(per_post["labeller_id"].nunique()) == {2}
    assert set(per_post.size()) == {6}
    landed = of_type(area, "content_labelled")
    assert len({(e["post_id"], e["labeller_id"], e["label"]) for e in landed}) == len(landed) > 50
    written = {e["post_id"]: e["created_at"] for e in of_type(area, "post_created")}
    assert all(e["event_time"] > written[e["post_id"]] for e in landed)
    shown = area.truth
    bait, other = shown[shown["is_clickbait"]], shown[~shown["is_clickbait"]]
    assert bait["is_clicked"].mean() > other["is_clicked"].mean() + 0.05
    assert bait["dwell_ms"].median() < 0.8 * other["dwell_ms"].median()


def test_the_truth_is_read_by_nobody_else() -> None:
    code = ("analysis", "contracts", "dags", "infra", "models", "serving", "spark_jobs", "storage")
    rooms = (*code, "sql", "expectations")
    files = [path for room in rooms for path in (ROOT / room).rglob("*") if path.suffix in {".py", ".sql", ".json"}]
    assert len(files) > 100
    readers = [str(path.relative_to(ROOT)) for path in files if "_truth" in path.read_text()]
    assert {str(Path(name).parent) for name in readers} == {"spark_jobs/simulate"}


def test_times_are_ordered_within_the_simulated_days(area: Any) -> None:
    ends = [datetime.fromisoformat(event["ended_at"]) for event in of_type(area, "session")]
    assert max(ends) < datetime.fromisoformat("2026-03-09T00:00:00+00:00")
