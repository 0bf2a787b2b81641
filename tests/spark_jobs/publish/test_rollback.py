"""Rolling back on a real Redis and a real table, without Spark."""

import json
from pathlib import Path
from typing import Any

import pytest

from contracts.pointer import Pointer
from contracts.redis_keys import POINTER_KEY, fallback_key, pool_key
from contracts.settings import PublishRules
from spark_jobs.publish import epoch_store, ledger, rollback, settling
from spark_jobs.publish.epoch_store import PublishFailed
from spark_jobs.publish.orders import Order, RefusedError
from spark_jobs.publish.rollback import refuse_rolled_back, roll_back
from spark_jobs.publish.settling import withdraw
from tests.epoch_table import epoch_row, epoch_table, statuses
from tests.killed import Killed
from tests.serving.reader_world import RedisServer, Seed, packed

RULES = PublishRules()
ORDER = Order("ann", "the pools of page followers are empty")
LIVE = Pointer(2, 1, 1_770_000_000)


@pytest.fixture
def server(redis_server: RedisServer) -> RedisServer:
    redis_server.client.flushall()
    for epoch in (1, 2):
        fill(redis_server, epoch)
    redis_server.client.set(POINTER_KEY, LIVE.dumps())
    return redis_server


@pytest.fixture
def table(tmp_path: Path) -> str:
    return epoch_table(tmp_path, epoch_row(1, "previous"), epoch_row(2, "current", 9))


def fill(server: RedisServer, epoch: int) -> None:
    for key in (pool_key(epoch, 7), fallback_key(epoch, "popular"), fallback_key(epoch, "chronological")):
        server.client.set(key, packed(epoch, None, [Seed(1)]), ex=1000)


def pointer(server: RedisServer) -> Pointer:
    return Pointer.loads(server.client.get(POINTER_KEY))


def epochs_in(server: RedisServer) -> set[int]:
    return {int(key.split(b":")[1]) for key in server.client.scan_iter("*:*:*")}


def recorded(table: str, epoch: int) -> dict[str, Any]:
    (row,) = [row for row in ledger.read_rows(table) if row.epoch == epoch]
    facts: dict[str, Any] = json.loads(row.rollback or "{}")
    return facts


def test_the_epoch_before_is_current_and_the_bad_one_marked_with_who_and_why(server: RedisServer, table: str) -> None:
    message = roll_back(table, server.client, ORDER, RULES)
    now = pointer(server)
    assert (now.stable, now.previous) == (1, None)
    assert now.published_at > LIVE.published_at, "a reader tells it from an older pointer"
    assert statuses(table) == {1: "current", 2: "rolled_back"}
    facts = recorded(table, 2)
    assert (facts["by"], facts["why"], facts["to"]) == ("ann", ORDER.why, 1)
    assert epochs_in(server) == {1}
    assert "epoch 2 (night of 2026-03-09) was rolled back by ann" in message
    assert "epoch 1 (night of 2026-03-08) is current; 3 keys removed" in message


def test_a_second_one_is_refused_and_says_what_the_first_did(server: RedisServer, table: str) -> None:
    roll_back(table, server.client, ORDER, RULES)
    after = pointer(server)
    with pytest.raises(RefusedError, match=r"epoch 1 is current and none is kept before it; epoch 2 .* by ann"):
        roll_back(table, server.client, Order("bob", "again"), RULES)
    assert pointer(server) == after
    assert statuses(table) == {1: "current", 2: "rolled_back"}


def test_the_same_order_given_again_rolls_back_nothing_more(server: RedisServer, table: str) -> None:
    order = Order("ann", "bad", "manual__2026-03-10")
    roll_back(table, server.client, order, RULES)
    fill(server, 3)
    server.client.set(POINTER_KEY, pointer(server).next(3, 1, 0.0).dumps())
    ledger.record(table, [epoch_row(1, "previous"), epoch_row(3, "current", 9)])
    assert "epoch 3 (night of 2026-03-09) is current" in roll_back(table, server.client, order, RULES)
    assert pointer(server).stable == 3
    assert statuses(table) == {1: "previous", 2: "rolled_back", 3: "current"}


@pytest.mark.parametrize("step", ["withdraw", "epoch_store.flip", "epoch_store.discard_epochs", "ledger.in_line_with"])
def test_killed_anywhere_it_is_completed_by_the_next(
    server: RedisServer, table: str, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def die(*_: object, **__: object) -> None:
        raise Killed

    order = Order("ann", "bad", "request-1")
    with monkeypatch.context() as patch:
        patch.setattr(f"spark_jobs.publish.settling.{step}", die)
        with pytest.raises(Killed):
            roll_back(table, server.client, order, RULES)
    assert pointer(server).stable == (2 if step in ("withdraw", "epoch_store.flip") else 1), (
        "one step: never in between"
    )
    assert statuses(table)[2] == "rolled_back"
    roll_back(table, server.client, order, RULES)
    assert (pointer(server).stable, pointer(server).previous) == (1, None)
    assert statuses(table) == {1: "current", 2: "rolled_back"}
    assert epochs_in(server) == {1}


def test_a_marked_epoch_that_is_still_served_is_completed_not_followed_by_another(
    server: RedisServer, table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object, **__: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(settling, "withdraw", die)
        with pytest.raises(Killed):
            roll_back(table, server.client, ORDER, RULES)
    assert "by ann" in roll_back(table, server.client, Order("bob", "it is still there"), RULES)
    assert pointer(server).stable == 1
    assert recorded(table, 2)["by"] == "ann"


def test_a_publish_that_flips_in_between_keeps_its_epoch_and_loses_the_bad_one(
    server: RedisServer, table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    flip = epoch_store.flip

    def late(client: Any, seen: Pointer | None, new: Pointer) -> None:
        monkeypatch.setattr(epoch_store, "flip", flip)
        fill(server, 3)
        flip(client, LIVE, LIVE.next(3, 2, 0.0))
        ledger.record(table, [epoch_row(3, "built", 9)])
        flip(client, seen, new)

    monkeypatch.setattr(epoch_store, "flip", late)
    message = roll_back(table, server.client, ORDER, RULES)
    assert (pointer(server).stable, pointer(server).previous) == (3, None)
    assert "epoch 3 (night of 2026-03-09) is current" in message
    assert statuses(table) == {1: "retired", 2: "rolled_back", 3: "current"}
    assert epochs_in(server) == {3}


def test_without_keys_of_the_epoch_before_nothing_changes(server: RedisServer, table: str) -> None:
    server.client.delete(pool_key(1, 7))
    with pytest.raises(RefusedError, match=r"has 0 of 1 pools left in Redis.*Epoch 2 stays current"):
        roll_back(table, server.client, ORDER, RULES)
    fill(server, 1)
    server.client.delete(fallback_key(1, "popular"))
    with pytest.raises(RefusedError, match="expired, were lost or are of another format"):
        roll_back(table, server.client, ORDER, RULES)
    server.client.set(fallback_key(1, "popular"), b"FLPL of an older format")
    with pytest.raises(RefusedError, match="of another format"):
        roll_back(table, server.client, ORDER, RULES)
    assert pointer(server) == LIVE
    assert statuses(table) == {1: "previous", 2: "current"}
    assert epochs_in(server) == {1, 2}


@pytest.mark.parametrize(
    ("served", "says"),
    [
        (None, "Redis names no epoch"),
        (Pointer(2, None, 1), "epoch 2 is current and none is kept before it$"),
        (Pointer(9, 2, 1), "Redis serves epoch 9, which gold.epochs does not know"),
        (Pointer(2, 9, 1), "epoch 9, the one before, is unknown to gold.epochs"),
    ],
)
def test_where_nothing_is_before_nothing_changes(
    server: RedisServer, table: str, served: Pointer | None, says: str
) -> None:
    server.client.delete(POINTER_KEY)
    if served is not None:
        server.client.set(POINTER_KEY, served.dumps())
    with pytest.raises(RefusedError, match=says):
        roll_back(table, server.client, ORDER, RULES)
    assert statuses(table) == {1: "previous", 2: "current"}
    assert server.client.get(POINTER_KEY) == (None if served is None else served.dumps().encode())


def test_an_epoch_being_built_is_left_to_its_publish(server: RedisServer, table: str) -> None:
    ledger.record(table, [epoch_row(3, "building", 9)])
    fill(server, 3)
    roll_back(table, server.client, ORDER, RULES)
    assert statuses(table) == {1: "current", 2: "rolled_back", 3: "building"}
    assert epochs_in(server) == {1, 3}
    with pytest.raises(PublishFailed, match="another publish, or a rollback, came between"):
        epoch_store.flip(server.client, LIVE, LIVE.next(3, 2, 0.0))


def test_a_rolled_back_row_stays_so_whatever_is_written(table: str) -> None:
    ledger.record(table, [epoch_row(2, "rolled_back", 9)])
    ledger.record(table, [epoch_row(2, "current", 9), epoch_row(1, "retired")])
    assert statuses(table) == {1: "retired", 2: "rolled_back"}


def test_withdraw_leaves_readers_something(server: RedisServer) -> None:
    assert withdraw(server.client, None, {1}) is None
    assert withdraw(server.client, LIVE, ()) == LIVE
    assert withdraw(server.client, LIVE, {1, 2}) == LIVE
    server.client.delete(fallback_key(1, "popular"))
    assert withdraw(server.client, LIVE, {2}) == LIVE
    assert pointer(server) == LIVE
    now = withdraw(server.client, LIVE, {1})
    assert now is not None
    assert now == pointer(server)
    assert (now.stable, now.previous, now.published_at > LIVE.published_at) == (2, None, True)


def test_the_content_of_a_rolled_back_epoch_is_not_published_again() -> None:
    row = epoch_row(2, "rolled_back", 9, '{"content": 17}')
    bad = ledger.EpochRow(**{**vars(row), "rollback": '{"by": "ann", "at": "noon", "why": "empty pools"}'})
    message = r"has the content of epoch 2, which was rolled back by ann at noon: empty pools"
    with pytest.raises(PublishFailed, match=message):
        refuse_rolled_back(bad.ds, 17, [bad])
    refuse_rolled_back(bad.ds, 18, [bad])
    refuse_rolled_back(bad.ds, 17, [epoch_row(1, "retired", 8, '{"content": 17}')])


def test_the_command_line_says_what_was_done_or_why_not(
    server: RedisServer, table: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert table.startswith(str(tmp_path))
    words = ["--lake", str(tmp_path), "--redis", server.url, "--by", "ann", "--why"]
    with pytest.raises(SystemExit, match="2"):
        rollback.main([*words, " "])
    assert "may not be blank" in capsys.readouterr().err
    assert rollback.main([*words, 'it\'s "bad"']) == 0
    assert "was rolled back by ann" in capsys.readouterr().out
    assert recorded(table, 2)["why"] == 'it\'s "bad"'
    assert rollback.main([*words, "again"]) == 1
    assert capsys.readouterr().err.startswith("nothing was rolled back: epoch 1 is current and none is kept")
    assert rollback.main(["--lake", str(tmp_path / "elsewhere"), *words[2:], "x"]) == 1
    assert "is no Delta table" in capsys.readouterr().err
