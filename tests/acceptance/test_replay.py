"""Pages of published nights are rebuilt byte for byte; where one input differs, the replay names that input.

The nights' pools are random and their posts, names and logs made up; publisher, Redis, reader and replay are real.
"""

import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import redis
from delta.tables import DeltaTable
from pyspark.sql import functions as F

from contracts.epochs import pack_pool
from contracts.page_records import PageRecord
from contracts.redis_keys import card_key, pool_key
from replay.differences import CannotReplayError
from replay.epoch_inputs import EpochInputs, read_inputs, read_row
from replay.rebuild import Rebuilt, rebuild
from replay.recorded import find_records, read_records
from spark_jobs.night.lake import Lake
from spark_jobs.night.night import Night
from spark_jobs.publish import epochs, ledger
from tests.nights import ROOT, Reader, reader, redis_server
from tests.replayed_nights import USERS, WITHOUT_BLOCK, made_night, next_night, pool_of, suppress

COUNT, STRANGER = 15, 10**12
FILTERS = ("all", "friends", "pages", "groups", "chronological")
LISTS = {"blocked": "block", "hidden": "hidden", "taken_down": "takedown", "narrowed": "narrowed"}
SHARE_1 = ("--set", "reader.replay_share=1")


@dataclass
class Served:
    """Requests to a reader that records every page, and the posts' bytes of every answer, by user in order."""

    feed: Reader
    records: Path
    posts: dict[int, list[bytes]] = field(default_factory=dict)
    levels: Counter[str] = field(default_factory=Counter)

    def ask(self, user: int, **query: Any) -> dict[str, Any]:
        answer = self.feed.feed(user, **query)
        assert answer.status_code == 200, answer.text
        body = answer.content
        begin, end = b'{"posts":[', b'],"next_cursor":'
        self.posts.setdefault(user, []).append(body[len(begin) : body.rindex(end)])
        found: dict[str, Any] = answer.json()
        self.levels[found["metadata"]["served_from"]] += 1
        return found

    def two_pages(self, user: int, **query: Any) -> None:
        first = self.ask(user, **query)
        if first["has_more"]:
            self.ask(user, **query, cursor=first["next_cursor"])

    def paired(self) -> list[tuple[PageRecord, bytes]]:
        """Each record with the bytes that its user received."""
        records: dict[int, list[PageRecord]] = {}
        for record in read_records(self.records):
            records.setdefault(record.user_id, []).append(record)
        assert {user: len(found) for user, found in records.items()} == {u: len(p) for u, p in self.posts.items()}
        return [pair for user, posts in self.posts.items() for pair in zip(records[user], posts, strict=True)]


def replayed(night: Night, pairs: list[tuple[PageRecord, bytes]]) -> list[tuple[Rebuilt, bytes]]:
    done = []
    for epoch in sorted({record.epoch for record, _ in pairs}):
        mine = [pair for pair in pairs if pair[0].epoch == epoch]
        row = read_row(night.lake, epoch)
        inputs = read_inputs(replace(night, ds=row.ds), row, [record for record, _ in mine])
        for record, posts in mine:
            found = rebuild(record, inputs.pool_of(record), inputs.cards, inputs.written_for(record))
            done.append((found, posts))
    return done


def named(record: PageRecord, inputs: EpochInputs) -> list[str]:
    """The inputs that the replay names."""
    found = rebuild(record, inputs.pool_of(record), inputs.cards)
    for difference in found.differences:
        print(f"    {difference}")
    return sorted({difference.input for difference in found.differences})


def serve(served: Served, client: Any, night: Night) -> None:
    """Pages of the first epoch, then of the second with old cursors, then without Redis."""
    users = list(range(1, USERS + 1))
    for user in users:
        served.two_pages(user, count=COUNT)
    suppress(client, users)
    cursors = {user: served.ask(user, count=COUNT)["next_cursor"] for user in users}
    for user in [*users[:8], STRANGER]:
        for feed_filter in FILTERS:
            served.two_pages(user, count=COUNT, filter=feed_filter)
    next_night(night, client)
    while served.ask(STRANGER)["metadata"]["epoch"] != 2:
        time.sleep(0.2)
    for user in users:
        served.two_pages(user, count=COUNT)
        served.ask(user, count=COUNT, cursor=cursors[user])
    client.shutdown(nosave=True)
    for user in users[:5]:
        served.two_pages(user, count=COUNT)


@pytest.mark.slow
def test_replay(lake: Lake, tmp_path: Path) -> None:
    (tmp_path / "redis").mkdir()
    with redis_server(tmp_path / "redis") as url:
        night = made_night(lake, tmp_path / "runs", url)
        epochs.main(night)
        client: Any = redis.Redis.from_url(url)
        changed = serve_changed(night, client, tmp_path)
        records = tmp_path / "records"
        with reader(url, tmp_path / "reader.log", "--records", str(records), *SHARE_1) as feed:
            served = Served(feed, records)
            serve(served, client, night)
    pairs = served.paired()
    done = replayed(night, pairs)
    same = sum(found.page is not None and b",".join(found.page.posts) == posts for found, posts in done)
    kinds: Counter[str] = sum((Counter(record.suppressed) for record, _ in pairs), Counter())
    print(f"\n{len(pairs)} pages of {len(served.posts)} users, {dict(served.levels)}: {same} rebuilt byte for byte")
    print(f"epochs {dict(Counter(record.epoch for record, _ in pairs))}, withheld {dict(kinds)}")
    sizes = [len(record.dumps()) for record, _ in pairs]
    print(f"a record has {np.median(sizes):.0f} bytes at the median, {max(sizes)} at most")
    assert [str(found.differences) for found, _ in done if found.differences] == []
    assert same == len(pairs)
    assert set(served.levels) == {"redis", "previous_epoch", "popular", "chronological"}
    assert {"block", "hidden", "takedown", "narrowed", "not_public"} <= set(kinds)
    notes = {(found.record.user_id, found.record.epoch, words) for found, _ in done for words in found.not_in_effect}
    print(*sorted(notes), sep="\n")
    assert {(user, epoch) for user, epoch, _ in notes} == {(WITHOUT_BLOCK, 2)}
    shown_again(night, done)
    one_input_at_a_time(night, pairs, changed)
    by_command(night, records, pairs)
    gone(night, pairs)


def shown_again(night: Night, done: list[tuple[Rebuilt, bytes]]) -> None:
    """No page of a personal pool shows what its user had seen before the night."""
    seen = night.read("silver.impressions").where(F.col("shown_at") < F.lit(night.as_of))
    met = {(row.user_id, row.post_id) for row in seen.select("user_id", "post_id").distinct().collect()}
    shown = [
        (found.record.user_id, int(post.split(b'"id":"')[1].split(b'"')[0]))
        for found, _ in done
        if found.page and found.record.level == "redis" and found.record.epoch == 1
        for post in found.page.posts
    ]
    print(f"{len(shown)} places of personal pools, {len(met & set(shown))} of them seen before the night ({len(met)})")
    assert not met & set(shown)


def serve_changed(night: Night, client: Any, folder: Path) -> dict[str, tuple[list[PageRecord], str]]:
    """Pages of a reader whose Redis has another card, and then another pool, than was published."""
    found = {}
    user = min(int(key.split(b"{u")[1][:-1]) for key in client.scan_iter(match="pool:1:*"))
    pool = pool_of(client, user)
    post = int(pool.columns["post_id"][1])
    shorter = {name: column[1:] for name, column in pool.columns.items()}
    values = {
        "card": (card_key(1, post), client.get(card_key(1, post)).replace(b'"text":"', b'"text":"no ')),
        "pool": (pool_key(1, user), pack_pool(1, pool.generated_at, user, shorter)),
    }
    for what, (key, value) in values.items():
        old = client.get(key)
        client.set(key, value, keepttl=True)
        records = folder / f"records of another {what}"
        with reader(night.redis_url, folder / f"{what}.log", "--records", str(records), *SHARE_1) as feed:
            assert feed.feed(user, count=COUNT).status_code == 200
        found[what] = (find_records(records, user, 1), f"post {post}" if what == "card" else "user's pool")
        client.set(key, old, keepttl=True)
    return found


def one_input_at_a_time(
    night: Night, pairs: list[tuple[PageRecord, bytes]], changed: dict[str, tuple[list[PageRecord], str]]
) -> None:
    row = read_row(night.lake, 1)
    every = [record for record, _ in pairs if record.epoch == 1]
    inputs = read_inputs(night, row, every)
    for what, (records, words) in changed.items():
        print(f"another {what} in Redis:")
        [page] = records
        assert named(page, inputs) == [what]
        [difference] = rebuild(page, inputs.pool_of(page), inputs.cards).differences
        assert words in difference.what
    firsts = [record for record in every if (record.level, record.start) == ("redis", 0)]
    for name, kind in LISTS.items():
        print(f"a lost entry of {name}:")
        record = next(record for record in firsts if kind in record.suppressed and getattr(record, name))
        lost = replace(record, **{name: getattr(record, name)[1:]})
        assert named(lost, inputs) == ["suppression"]
        assert kind in str(rebuild(lost, inputs.pool_of(lost), inputs.cards).differences)
    print("another start of the page:")
    assert named(replace(every[0], start=1), inputs) == ["selection"]
    other = replace(night.settings, seed=night.settings.seed + 1)
    refused(replace(night, settings=other), row, every[0], "settings")


def refused(night: Night, row: ledger.EpochRow, record: PageRecord, which: str, *words: str) -> None:
    with pytest.raises(CannotReplayError) as raised:
        read_inputs(night, row, [record])
    print(f"    {raised.value}")
    assert raised.value.difference.input == which
    assert all(word in str(raised.value) for word in words)


def by_command(night: Night, records: Path, pairs: list[tuple[PageRecord, bytes]]) -> None:
    """The command prints the same bytes, and who is not recorded is named before Spark starts."""
    record, posts = pairs[1]
    words = ["--records", str(records), "--lake", night.lake.root, "--epoch", "1"]
    done = command(*words, "--user", str(record.user_id), "--at", record.at, "--json")
    assert (done.returncode, done.stdout) == (0, f'{{"at":"{record.at}","posts":[{posts.decode()}]}}\n')
    done = command(*words, "--user", str(record.user_id), "--at", record.at)
    print(done.stdout)
    assert "rebuilt byte for byte" in done.stdout
    done = command(*words, "--user", "49")
    print(f"exit {done.returncode}: {done.stderr}")
    assert done.returncode == 2
    assert "user is not in the sample" in done.stderr


def command(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "replay", *words], cwd=ROOT, capture_output=True, text=True, check=False
    )


def gone(night: Night, pairs: list[tuple[PageRecord, bytes]]) -> None:
    """What a VACUUM, or the removal of the epoch, leaves to say."""
    record, row = next(record for record, _ in pairs if record.epoch == 1), read_row(night.lake, 1)
    night.spark.conf.set("spark.databricks.delta.retentionDurationCheck.enabled", "false")
    DeltaTable.forPath(night.spark, night.lake.path("silver.posts")).vacuum(0.0)
    print("a table without the files of the version:")
    refused(night, row, record, "lake", "silver.posts", "VACUUM")
    DeltaTable.forPath(night.spark, night.lake.path(ledger.TABLE)).delete("epoch = 1")
    with pytest.raises(CannotReplayError, match=r"epoch: gold.epochs of .* has no epoch 1; it has 2 to 2") as raised:
        read_row(night.lake, 1)
    print(f"an epoch removed:\n    {raised.value}")
