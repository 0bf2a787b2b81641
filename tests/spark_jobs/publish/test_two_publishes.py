"""Two publishes at once: each has its own epoch, and none flips to an epoch whose keys the other has removed."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from contracts.pointer import Pointer
from contracts.redis_keys import POINTER_KEY, fallback_key, pool_key
from contracts.settings import PublishRules
from spark_jobs.publish import epoch_store, ledger
from spark_jobs.publish.epoch_store import PublishFailed
from spark_jobs.publish.settling import settle
from storage.delta import open_table
from tests.epoch_table import epoch_row, epoch_table, statuses
from tests.serving.reader_world import RedisServer, Seed, packed

RULES = PublishRules()
DS = date(2026, 3, 9)
LIVE = Pointer(1, None, 1_770_000_000)


@pytest.fixture
def server(redis_server: RedisServer) -> RedisServer:
    redis_server.client.flushall()
    fill(redis_server, 1)
    redis_server.client.set(POINTER_KEY, LIVE.dumps())
    return redis_server


@pytest.fixture
def table(tmp_path: Path) -> str:
    return epoch_table(tmp_path, epoch_row(1, "current"))


def fill(server: RedisServer, epoch: int) -> None:
    for key in (pool_key(epoch, 7), fallback_key(epoch, "popular"), fallback_key(epoch, "chronological")):
        server.client.set(key, packed(epoch, None, [Seed(1)]), ex=1000)


def epochs_in(server: RedisServer) -> set[int]:
    return {int(key.split(b":")[1]) for key in server.client.scan_iter("*:*:*")}


def test_two_that_start_at_once_have_two_numbers(table: str, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = open_table
    first: list[int] = []

    def open_while_another_starts(path: Any) -> Any:
        found = opened(path)
        if not first:
            monkeypatch.setattr(ledger, "open_table", opened)
            first.append(ledger.start(table, DS, LIVE, '{"by": "first"}', "{}").epoch)
        return found

    merge = ledger._merge

    def merge_into_what_was_read_before(path: Any, source: Any, *, existing: ledger.Existing) -> int:
        monkeypatch.setattr(ledger, "_merge", merge)
        monkeypatch.setattr(ledger, "open_table", open_while_another_starts)
        return merge(path, source, existing=existing)

    monkeypatch.setattr(ledger, "_merge", merge_into_what_was_read_before)
    second = ledger.start(table, DS, LIVE, '{"by": "second"}', "{}").epoch
    assert (first, second) == ([2], 3)
    assert statuses(table) == {1: "current", 2: "building", 3: "building"}
    assert [row.manifest for row in ledger.read_rows(table)][1:] == ['{"by": "first"}', '{"by": "second"}']


def test_a_publish_whose_keys_were_removed_is_refused_at_its_flip(server: RedisServer, table: str) -> None:
    row = ledger.start(table, DS, LIVE, "{}", "{}")
    fill(server, row.epoch)
    ledger.record(table, [epoch_row(row.epoch, "built", 9)])

    done = settle(table, server.client, RULES, may_be_at_work=False)
    assert done.pointer is not None
    assert (done.pointer.stable, done.pointer.previous) == (1, None)
    assert done.pointer.published_at > LIVE.published_at
    assert epochs_in(server) == {1}
    assert statuses(table) == {1: "current", 2: "bad"}
    with pytest.raises(PublishFailed, match="the pointer moved"):
        epoch_store.flip(server.client, LIVE, LIVE.next(row.epoch, 1, 0.0))
    assert settle(table, server.client, RULES, may_be_at_work=False).pointer == done.pointer, "nothing is at work now"


def test_what_a_killed_publish_left_is_removed_from_a_full_redis(server: RedisServer, table: str) -> None:
    fill(server, ledger.start(table, DS, LIVE, "{}", "{}").epoch)
    server.client.config_set("maxmemory", 1)
    try:
        done = settle(table, server.client, RULES, may_be_at_work=False)
    finally:
        server.client.config_set("maxmemory", 0)
    assert (done.num_removed, epochs_in(server), statuses(table)) == (3, {1}, {1: "current", 2: "bad"})


def test_keys_of_a_publish_that_starts_meanwhile_stay(
    server: RedisServer, table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = ledger.read_rows

    def read_before_another_starts(path: Any) -> Any:
        rows = read(path)
        monkeypatch.setattr(ledger, "read_rows", read)
        fill(server, ledger.start(table, DS, LIVE, "{}", "{}").epoch)
        return rows

    monkeypatch.setattr(ledger, "read_rows", read_before_another_starts)
    settle(table, server.client, RULES, may_be_at_work=False)
    assert epochs_in(server) == {1, 2}
    assert statuses(table) == {1: "current", 2: "building"}


def test_a_correction_keeps_the_manifest_that_a_publish_has_added_since_the_table_was_read(
    server: RedisServer, table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = ledger.start(table, DS, LIVE, "{}", "{}")
    read = ledger.read_rows

    def read_before_it_flips(path: Any) -> Any:
        rows = read(path)
        monkeypatch.setattr(ledger, "read_rows", read)
        ledger.record(table, [epoch_row(row.epoch, "built", 9, '{"content": 7}')])
        fill(server, row.epoch)
        epoch_store.flip(server.client, LIVE, LIVE.next(row.epoch, 1, 0.0))
        return rows

    monkeypatch.setattr(ledger, "read_rows", read_before_it_flips)
    settle(table, server.client, RULES, may_be_at_work=True)
    (found,) = [one for one in ledger.read_rows(table) if one.epoch == row.epoch]
    assert (found.status, found.manifest) == ("current", '{"content": 7}')
