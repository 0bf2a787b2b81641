"""A night with very little data ends with feeds, and reports what it lacked."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from html import escape
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from analysis.report import render
from spark_jobs.night.lake import Lake
from spark_jobs.night.night import Night, load_settings, newest_day
from spark_jobs.rules.night_model import SIMPLE_SCORE, scorer_of
from tests.landed import Event, engagement, event, land, post, user
from tests.nights import ROOT, reader, redis_server, run_night

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


def table_of_the_docs() -> str:
    """The CSV of three rows in docs/bring-your-own-data.md."""
    found = re.search(r"```csv\n(.*?)```", (ROOT / "docs" / "bring-your-own-data.md").read_text(), re.DOTALL)
    assert found is not None
    return found[1]


def table_without_titles() -> str:
    """A CSV of a week in which no item has a title, and no two names share a word."""
    rows = [
        f"person{number % 12},thing{number},maker{number % 5},like,{day(6 - number % 7)}T{8 + number % 10:02}:00:00Z"
        for number in range(120)
    ]
    return "\n".join(["user,item,author,action,time", *rows, ""])


CASES: dict[str, str | list[Event]] = {
    "3 rows": table_of_the_docs(),
    "one user": week(["soup", "bread"], [READER]),
    "one post": [*people(WRITER, READER, 3), *page(), written(100, 6, "soup"), liked(100, 5)],
    "one day": [*people(WRITER, READER, 3, back=0), *page(0), *(written(n, 0, "soup") for n in (1, 2)), liked(1, 0, 3)],
    "no words": table_without_titles(),
    "no texts": week([""] * 40, range(10, 22)),
}
"""A CSV, which the example of the docs turns into a landing area, or events."""


def fill(landing: Path, case: str | list[Event]) -> int:
    """Write the landing area of a case; returns its lines."""
    if isinstance(case, str):
        table = landing.with_suffix(".csv")
        table.write_text(case)
        example = ROOT / "docs" / "examples" / "csv_to_landing.py"
        subprocess.run([sys.executable, str(example), str(table), str(landing)], check=True)
        return sum(len(path.read_text().splitlines()) for path in landing.glob("*/*.jsonl"))
    for back in range(7):
        if found := [row for row in case if row["event_time"].startswith(str(day(back)))]:
            land(landing, day(back), found)
    (landing / "dataset.json").write_text('{"has_impressions": false, "candidate_hours": 168}')
    return len(case)


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with redis_server(tmp_path_factory.mktemp("redis")) as url:
        yield url.removesuffix("/0")


@pytest.mark.parametrize("case", CASES)
def test_thin_data(case: str, spark: SparkSession, redis_url: str, tmp_path: Path) -> None:
    landing = tmp_path / "landing"
    num_lines = fill(landing, CASES[case])
    ds = newest_day(str(landing)) if isinstance(CASES[case], str) else DS
    url = f"{redis_url}/{list(CASES).index(case)}"
    lake = Lake(spark, str(tmp_path / "lake"))
    night = Night(lake, ds, str(landing), tmp_path / "runs", load_settings(str(landing)), url)
    run_night(night)
    seconds = {path.stem: json.loads(path.read_text())["seconds"] for path in (night.folder / "stages").glob("*.json")}
    notes = json.loads((night.folder / "preflight.json").read_text())["notes"]
    users = [row.user_id for row in night.read("gold.ranked_feeds").select("user_id").distinct().collect()]
    models = {row.model_version for row in night.read("gold.models").collect()}
    scored, scorer = night.read("gold.scored_candidates"), scorer_of(night)
    with reader(url, tmp_path / "reader.log") as feed:
        answer = feed.feed(min(users), count=5).json()
    first = answer["posts"][0]
    print(f"\n{case}: {num_lines} events, night of {sum(seconds.values()):.0f} s, feeds of {len(users)} users")
    print(*(f"  note: {note}" for note in notes), sep="\n")
    print(f"  ranked by {scorer.version}: {scorer.reason}")
    print(f"  first of user {min(users)}: {first['content']['text']!r}")
    assert answer["metadata"]["served_from"] == "redis"
    assert {row.model_version for row in scored.select("model_version").distinct().collect()} == {scorer.version}
    assert scorer.version in models | {SIMPLE_SCORE}
    assert bool(models) == (not any("no model will be trained" in note for note in notes)), "the preflight knew"
    simple = night.read("gold.feed_candidates").select("user_id", "post_id", "simple_score")
    same = scored.join(simple, ["user_id", "post_id"]).where(F.col("value_score") == F.col("simple_score")).count()
    assert scorer.model is not None or same == scored.count()
    page_of_the_night = render(night.folder)
    assert all(escape(note) in page_of_the_night for note in notes)
