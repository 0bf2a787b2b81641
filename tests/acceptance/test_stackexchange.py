"""A real network end to end: the facts of the dump hold in the lake, and a real user gets a feed over HTTP."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from spark_jobs.adapt.stackexchange import adapt
from spark_jobs.night.lake import Lake
from spark_jobs.night.night import Night, load_settings
from tests.nights import reader, redis_server, run_night

DUMP = Path(__file__).resolve().parents[2] / "../shared/data/stackexchange_quantum"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not DUMP.exists(), reason="needs ../shared/data/stackexchange_quantum"),
]


@pytest.fixture(scope="module")
def night(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Night]:
    folder = tmp_path_factory.mktemp("stackexchange")
    landing = folder / "landing"
    adapt(spark, str(DUMP), landing)
    with redis_server(folder) as url:
        settings = load_settings(str(landing))
        made = Night(Lake(spark, str(folder / "lake")), date(2018, 9, 2), str(landing), folder / "runs", settings, url)
        run_night(made)
        yield made


def test_stackexchange(night: Night, tmp_path: Path) -> None:
    events = night.read("bronze.events").withColumn("detail", F.get_json_object("raw", "$.detail"))
    by_detail = {row.detail: row["count"] for row in events.groupBy("detail").count().collect()}
    engagement = events.where("event_type = 'engagement'")
    actors = engagement.select(F.get_json_object("raw", "$.user_id")).distinct().count()
    items = engagement.select(F.get_json_object("raw", "$.post_id")).distinct().count()
    print(f"user-level events {engagement.count():,} from {actors} users on {items:,} items: {by_detail}")
    quarantine = night.read("bronze.quarantine").groupBy("event_type", "reason").count().orderBy("event_type").collect()
    for row in quarantine:
        print(f"quarantined {row['count']:4} {row.event_type} {row.reason}")
    quarantined = night.read("bronze.quarantine").count()
    assert engagement.count() == 5_203
    assert (actors, items) == (509, 1_162)
    expected = {
        "comment": 3_412 + 1,
        "answer": 1_059 + 1,
        "favourite": 710,
        "bounty": 22,
        "upvote": 10_103,
        "downvote": 668,
    }
    assert {name: by_detail[name] for name in expected} == expected
    assert by_detail["accept"] == 390
    assert by_detail["spam"] + by_detail["offensive"] == 3
    assert quarantined == 587
    assert night.read("silver.users").select("user_id").distinct().count() == 3_461
    assert night.read("silver.page_follows").count() == 1_771
    with reader(night.redis_url, tmp_path / "reader.log") as feed:
        user = night.read("silver.engagements").where("user_id is not null").groupBy("user_id").count()
        busiest = user.orderBy(F.desc("count"), "user_id").first()
        assert busiest is not None
        answer = feed.feed(busiest.user_id, count=5).json()
    print(f"feed of user {busiest.user_id}, served from {answer['metadata']['served_from']}:")
    for post in answer["posts"]:
        print(f"  {post['author'] and post['author']['name']}: {post['content']['text'][:70]!r}")
    assert answer["metadata"]["served_from"] == "redis"
    assert len(answer["posts"]) == 5
