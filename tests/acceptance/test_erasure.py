"""After a real night a person is found everywhere, after their erasure nowhere, and the next night leaves no trace.

The night, its Redis and its reader are those of the other acceptance tests, copied so that theirs stay whole.
"""

import json
import shutil
import time
from collections import Counter
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis
from pyspark.sql import functions as F

from contracts.erasure import KEY_FILE_VARIABLE
from contracts.settings import Settings
from spark_jobs.erase.job import Request, erase
from spark_jobs.erase.needles import Needles
from spark_jobs.erase.person import find_person
from spark_jobs.erase.prove import describe, report
from spark_jobs.erase.search import Searched, search_folder, search_redis
from spark_jobs.erase.search_list import SearchList
from spark_jobs.night.lake import Lake
from spark_jobs.night.night import Night
from tests.landed import engagement, impression, land
from tests.nights import reader, redis_server, run_night

PLACES = ("bronze/", "silver/", "gold/", "/_delta_log/")
"""Each holds something of a person: a Delta log, for one, the least and greatest values of a file."""


def copied(night: Night, folder: Path, redis_url: str) -> Night:
    """The same lake, landing area and runs under ``folder``; its Redis keys are restored into another Redis."""
    lake = Lake(night.spark, str(folder / "lake"))
    for source, name in ((night.lake.root, "lake"), (night.landing, "landing"), (str(night.runs), "runs")):
        shutil.copytree(source, folder / name)
    with closing(redis.Redis.from_url(night.redis_url)) as old, closing(redis.Redis.from_url(redis_url)) as new:
        for key in old.scan_iter(count=1000):
            value: Any = old.dump(key)
            new.restore(key, max(0, int(old.pttl(key))), value)
    return replace(night, lake=lake, landing=str(folder / "landing"), runs=folder / "runs", redis_url=redis_url)


def prove(night: Night, needles: Needles) -> list[Searched]:
    with closing(redis.Redis.from_url(night.redis_url)) as client:
        found = search_redis(client, "Redis", needles)
    searched = [search_folder(night.spark, str(folder), needles) for folder in (night.lake.root, night.runs)]
    return [*searched, found]


def show(title: str, places: list[Searched]) -> None:
    print(f"\n{title}")
    for place, unit in zip(places, ("files", "files", "keys"), strict=True):
        print(*report(place, unit)[:6], sep="\n")


def best_read_author(night: Night) -> int:
    """The author who is in most people's pools, and has a pool of their own."""
    ranked = night.read("gold.ranked_feeds")
    authors = ranked.groupBy("author_id").agg(F.countDistinct("user_id").alias("n"))
    row = authors.orderBy(F.desc("n"), "author_id").first()
    assert row is not None
    return int(row["author_id"])


def test_erasure(published: Night, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "erasure_key").write_text("an erasure key of the acceptance test")
    monkeypatch.setenv(KEY_FILE_VARIABLE, str(tmp_path / "erasure_key"))
    with redis_server(tmp_path) as url, reader(url, tmp_path / "reader.log") as feed:
        night = copied(published, tmp_path, url)
        person = best_read_author(night)
        pools = night.read("gold.ranked_feeds").where(F.col("author_id") == person).select("user_id", "post_id")
        rows = [tuple(row) for row in pools.collect()]
        needles = Needles(find_person(night.lake, [person], "ticket-17", Settings().erasure))
        before = prove(night, needles)
        print(f"\nuser {person}, in {len({user for user, _ in rows})} pools", *describe(needles), sep="\n")
        show("before", before)
        found = Counter(place for place in PLACES for file, _, _ in before[0].findings if place in file)
        assert set(found) == set(PLACES)
        assert {key.split(":")[0] for key, _, _ in before[2].findings} >= {"pool", "uf", "post"}

        begun = time.monotonic()
        request = Request("ticket-17", [person], tmp_path / "search_list.json", url, night.runs)
        removed = erase(night.lake, request, night.settings)
        seconds = time.monotonic() - begun
        assert Needles(SearchList.load(request.search_list)) == needles
        after = prove(night, needles)
        show(f"after, {seconds:.1f} s", after)
        deleted = {name: counts["deleted"] for name, counts in removed["tables"].items()}
        print(f"rows deleted: {deleted}\nRedis: {removed['redis']}")
        assert [place.findings for place in after] == [(), (), ()]
        assert min(deleted[name] for name in ("bronze.events", "silver.users", "gold.ranked_feeds")) > 0

        with httpx.Client(timeout=10) as client:
            for user, post in rows[:20]:
                assert str(post) not in {shown["id"] for shown in feed.whole_feed(user, client)[0]}

        bring_back(night, person, rows[0][1])
        show("the night after, with late events of theirs", prove(night, needles))
        assert [place.findings for place in prove(night, needles)] == [(), (), ()]

        (Path(night.lake.root) / "models" / "left_over.json").write_text(json.dumps({"worst_user": person}))
        [(file, _, _)] = prove(night, needles)[0].findings
        print(f"\nplanted, and found in {file}")
        assert file == "models/left_over.json"


def bring_back(night: Night, person: int, post: int) -> None:
    """The next day's night: landing files as they were, and late events by the person and about their post."""
    following = replace(night, ds=night.ds + timedelta(days=1))
    other = night.read("silver.users").select(F.min("user_id")).first()
    assert other is not None
    at = f"{night.ds}T20:00:00Z"
    received = f"{following.ds}T01:00:00Z"
    known = night.read("silver.posts").select(F.max("post_id")).first()
    assert known is not None
    late = [
        impression("late-1", person, known[0], at, received=received),
        engagement("late-2", other[0], post, at, received=received),
        impression("late-3", other[0], known[0], at, received=received),
    ]
    land(night.landing, following.ds, late)
    run_night(following, ("ingest", "clean", "features", "examples", "train", "promote", "candidates", "score"))
    run_night(following, ("rerank", "audit", "publish"))
    judged = following.files.promotion.read()
    print(f"who scores the next night: {judged['reason']}")
    assert judged["why_not_champion"] == f"{judged['champion']} was trained before a person was erased"
    refused = following.read("bronze.quarantine").where("reason = 'erased_user'").collect()
    print(f"{len(refused)} late lines refused: {[(row['source'], row['line']) for row in refused]}")
    assert [(row["line"], row["raw"]) for row in sorted(refused, key=lambda row: row["line"])] == [(1, ""), (2, "")]
    assert following.read("bronze.events").where("event_id = 'late-3'").count() == 1
