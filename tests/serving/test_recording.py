"""Pages of the sample are written down so that they can be made again; nobody else's are."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import generate_latest

from contracts.epochs import unpack_pool
from contracts.page_records import PageRecord, file_of
from contracts.redis_keys import (
    NARROWED_KEY,
    TAKEDOWN_KEY,
    acted_key,
    block_key,
    card_key,
    fallback_key,
    hidden_key,
    parted_key,
)
from contracts.redis_keys import pool_key as key_of_pool
from contracts.settings import ReaderRules
from replay.rebuild import rebuild
from replay.recorded import read_records
from serving.reader.metrics import ReaderMetrics
from serving.reader.recording import PageRecorder
from serving.reader.values import parse_card
from tests.serving.reader_world import OpenReader, RedisServer, Seed

POOL = [Seed(10 + n, 100 + n, ("friend", "page", "group")[n % 3], is_public=n % 2 == 0) for n in range(24)]
PUBLIC = [Seed(900 + n, author_id=300 + n, source="popular", reason="popular") for n in range(9)]
FILTERS = ("all", "friends", "pages", "groups", "chronological")


@pytest.fixture
def world(redis_server: RedisServer) -> RedisServer:
    """A pool with a row of every kind that is withheld, one without a card, and a user 2 who has no pool."""
    redis_server.write_user(2, 1, POOL)
    redis_server.write_public(2, "popular", PUBLIC)
    redis_server.write_public(2, "chronological", PUBLIC[::-1])
    redis_server.flip(2)
    client = redis_server.client
    client.sadd(block_key(1), 101, 7_000)
    client.sadd(hidden_key(1), 12, 7_001)
    client.sadd(TAKEDOWN_KEY, 13, 901, 7_002)
    client.zadd(NARROWED_KEY, {15: 3, 16: 2, 7_003: 3})
    client.zadd(parted_key(1), {"friend:107": 3, "friend:109": 2, "group:111": 3})
    client.zadd(acted_key(1), {"like:10": 1, "share:10": 1, "comment:17": 1, "like:7003": 1})
    client.zadd(acted_key(2), {"like:900": 1})
    client.delete(card_key(2, 20))
    return redis_server


def made_again(record: PageRecord, server: RedisServer) -> list[bytes]:
    key = key_of_pool(2, record.user_id) if record.level == "redis" else fallback_key(2, record.level)
    pool = unpack_pool(server.client.get(key))
    posts = pool.columns["post_id"].tolist()
    cards = {post: parse_card(server.client.get(card_key(2, post)), post) for post in posts}
    found = rebuild(record, pool, {post: card for post, card in cards.items() if card is not None})
    assert found.differences == ()
    assert found.page is not None
    return found.page.posts


async def test_a_record_gives_its_page_back(world: RedisServer, open_reader: OpenReader, tmp_path: Path) -> None:
    bodies: list[bytes] = []
    async with open_reader(records=tmp_path / "records", replay_share=1.0) as client:
        for user in (1, 2):
            for feed_filter in FILTERS:
                query: dict[str, Any] = {"count": 4, "filter": feed_filter}
                for _ in range(2):
                    answer = await client.get(user, **query)
                    bodies.append(answer.content)
                    query["cursor"] = answer.json()["next_cursor"]
    records = list(read_records(tmp_path / "records"))
    assert {record.level for record in records} == {"redis", "popular", "chronological"}
    for record, body in zip(records, bodies, strict=True):
        assert body.startswith(b'{"posts":[' + b",".join(made_again(record, world)) + b'],"next_cursor"')
    first = records[0]
    withheld = (first.blocked, first.hidden, first.taken_down, first.narrowed, first.former_friends, first.left_groups)
    assert withheld == ((101,), (12,), (13,), (15,), (107,), (111,)), "what met the pool, and no more"


def recorder(folder: Path | None, now: float = 0.0, secret: bytes = b"one", **rules: Any) -> PageRecorder:
    return PageRecorder(folder, ReaderRules(**rules), secret, ReaderMetrics(), lambda: now)


def sample_of(maker: PageRecorder) -> set[int]:
    return {user for user in range(4_000) if maker.has(user)}


def test_the_sample_is_a_share_of_the_users_that_only_the_secret_reveals(tmp_path: Path) -> None:
    sample = sample_of(recorder(tmp_path, replay_share=0.1))
    assert 300 < len(sample) < 500
    assert sample == sample_of(recorder(tmp_path, now=9e8, replay_share=0.1))
    assert sample < sample_of(recorder(tmp_path, replay_share=0.2))
    assert len(sample & sample_of(recorder(tmp_path, secret=b"two", replay_share=0.1))) < 80
    assert sample_of(recorder(tmp_path)) == sample_of(recorder(None, replay_share=1.0)) == set()


async def test_nobody_outside_the_sample_is_recorded(
    world: RedisServer, open_reader: OpenReader, tmp_path: Path
) -> None:
    assert world.client.ping()
    async with open_reader(records=tmp_path / "records", replay_share=0.0) as client:
        await client.feed()
    assert not (tmp_path / "records").exists()


def test_files_end_after_their_days(tmp_path: Path) -> None:
    days = [date(1970, 1, day) for day in range(1, 6)]
    for name in [*map(file_of, days), "pages-of-mine.txt"]:
        (tmp_path / name).write_text("{}\n")
    recorder(tmp_path, now=4.5 * 86_400, replay_days=2).sweep()
    assert sorted(path.name for path in tmp_path.iterdir()) == [file_of(days[3]), file_of(days[4]), "pages-of-mine.txt"]


@pytest.mark.parametrize("trouble", ["full", "failed"])
async def test_a_page_that_cannot_be_recorded_is_served(
    world: RedisServer, open_reader: OpenReader, tmp_path: Path, trouble: str
) -> None:
    assert world.client.ping()
    folder = tmp_path / "records"
    if trouble == "failed":
        folder.write_text("this is a file")
    async with open_reader(records=folder, replay_share=1.0) as client:
        client.app.state.recorder._max_bytes = 10
        await client.feed()
        text = generate_latest(client.app.state.metrics.registry).decode()
    assert f'feedlake_page_records_total{{outcome="{trouble}"}} 1.0' in text


async def test_only_the_owner_of_the_process_may_read_records(
    world: RedisServer, open_reader: OpenReader, tmp_path: Path
) -> None:
    assert world.client.ping()
    async with open_reader(records=tmp_path / "records", replay_share=1.0) as client:
        await client.feed()
    [file] = (tmp_path / "records").iterdir()
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
