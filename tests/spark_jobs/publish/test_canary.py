"""Moving a canary on a real Redis and a real table, without Spark. Epoch 1 is before, 2 current, 3 the canary."""

import json
from pathlib import Path
from typing import Any

import pytest

from contracts.pointer import Canary, Pointer
from contracts.redis_keys import POINTER_KEY, fallback_key, pool_key
from contracts.settings import PublishRules
from spark_jobs.publish import canary, ledger
from spark_jobs.publish.canary import Wish, move_canary
from spark_jobs.publish.epochs import succeed
from spark_jobs.publish.orders import Order, RefusedError
from spark_jobs.publish.rollback import roll_back
from tests.epoch_table import epoch_row, epoch_table, statuses
from tests.killed import Killed
from tests.serving.reader_world import RedisServer, Seed, packed

RULES = PublishRules()
AT = 1_770_000_000
STABLE = Pointer(2, 1, AT)
LIVE = Pointer(2, 1, AT, Canary(3, 0.1))
ORDER = Order("ann", "empty pools")


@pytest.fixture
def server(redis_server: RedisServer) -> RedisServer:
    redis_server.client.flushall()
    for epoch in (1, 2, 3):
        for key in (pool_key(epoch, 7), fallback_key(epoch, "popular"), fallback_key(epoch, "chronological")):
            redis_server.client.set(key, packed(epoch, None, [Seed(1)]), ex=1000)
    redis_server.point(LIVE)
    return redis_server


@pytest.fixture
def table(tmp_path: Path) -> str:
    rows = [epoch_row(1, "previous"), epoch_row(2, "current", 9), epoch_row(3, "canary", 10)]
    return epoch_table(tmp_path, *rows)


def pointer(server: RedisServer) -> Pointer:
    return Pointer.loads(server.client.get(POINTER_KEY))


def served(server: RedisServer) -> tuple[int, int | None, Canary | None, tuple[tuple[str, int], ...]]:
    now = pointer(server)
    return now.stable, now.previous, now.canary, now.held


def epochs_in(server: RedisServer) -> set[int]:
    return {int(key.split(b":")[1]) for key in server.client.scan_iter("*:*:*")}


def facts(table: str, epoch: int) -> dict[str, Any]:
    (row,) = [row for row in ledger.read_rows(table) if row.epoch == epoch]
    facts: dict[str, Any] = json.loads(row.rollback or "{}")
    return facts


def test_a_canary_moves_up_and_is_made_current(server: RedisServer, table: str) -> None:
    message = move_canary(table, server.client, Wish(3, 0.5), RULES)
    assert served(server) == (2, 1, Canary(3, 0.5), ())
    assert message.startswith("epoch 2 (night of 2026-03-09) is current; 50 % of the users read epoch 3; 0 keys")
    before = pointer(server)
    assert "nothing to change: epoch 2" in move_canary(table, server.client, Wish(3, 0.5), RULES)
    assert pointer(server) == before
    message = move_canary(table, server.client, Wish(3, 1.0), RULES)
    assert served(server) == (3, 2, None, ())
    assert message == "epoch 3 (night of 2026-03-10) is current; 3 keys removed"
    assert statuses(table) == {1: "retired", 2: "previous", 3: "current"}
    assert epochs_in(server) == {2, 3}
    assert "nothing to change" in move_canary(table, server.client, Wish(3, 1.0), RULES)


def test_the_current_epoch_is_put_behind_a_canary_and_comes_back(server: RedisServer, table: str) -> None:
    server.point(STABLE)
    ledger.record(table, [epoch_row(3, "bad")])
    move_canary(table, server.client, Wish(2, 0.1), RULES)
    assert served(server) == (1, None, Canary(2, 0.1), ())
    assert statuses(table) == {1: "current", 2: "canary", 3: "bad"}
    assert epochs_in(server) == {1, 2}
    move_canary(table, server.client, Wish(2, 1.0), RULES)
    assert served(server) == (2, 1, None, ())
    assert statuses(table) == {1: "previous", 2: "current", 3: "bad"}


def test_a_canary_of_one_arm_stays_one_whatever_its_share(server: RedisServer, table: str) -> None:
    message = move_canary(table, server.client, Wish(3, 1.0, "deep"), RULES)
    assert served(server) == (2, 1, Canary(3, 1.0, "deep"), ())
    assert "100 % of the users of arm deep read epoch 3" in message
    roll_back(table, server.client, Order("ann", "bad", arm="deep"), RULES)
    assert served(server) == (2, 1, None, ())
    assert statuses(table)[3] == "rolled_back"


@pytest.mark.parametrize("step", ["epoch_store.flip", "epoch_store.discard_epochs", "ledger.in_line_with"])
def test_killed_anywhere_the_same_command_completes_it(
    server: RedisServer, table: str, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    moves: list[object] = []

    def die(*_: object, **__: object) -> None:
        moves.append(step)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(
            f"spark_jobs.publish.canary.{step}" if "flip" in step else f"spark_jobs.publish.settling.{step}", die
        )
        with pytest.raises(Killed):
            move_canary(table, server.client, Wish(3, 1.0), RULES)
    assert moves
    move_canary(table, server.client, Wish(3, 1.0), RULES)
    assert served(server) == (3, 2, None, ())
    assert statuses(table) == {1: "retired", 2: "previous", 3: "current"}
    assert epochs_in(server) == {2, 3}


@pytest.mark.parametrize(
    ("wish", "says"),
    [
        (Wish(2, 0.1), "epoch 2 is current and 3 is its canary: make that current, or roll it back, first"),
        (Wish(1, 0.1), "epoch 1 is older than epoch 2, which is current"),
        (Wish(9, 0.1), "gold.epochs knows no epoch 9; epoch 2 is current"),
        (Wish(4, 0.1), "epoch 4 is rolled_back: it never comes back"),
        (Wish(5, 1.0), "epoch 5 is building: its keys are not in Redis, or not whole"),
    ],
)
def test_what_cannot_be_served_so_is_refused(server: RedisServer, table: str, wish: Wish, says: str) -> None:
    ledger.record(table, [epoch_row(4, "rolled_back"), epoch_row(5, "building")])
    with pytest.raises(RefusedError, match=says):
        move_canary(table, server.client, wish, RULES)
    assert pointer(server) == LIVE
    assert statuses(table) == {1: "previous", 2: "current", 3: "canary", 4: "rolled_back", 5: "building"}


def test_an_emptied_redis_or_another_lake_s_changes_no_row(server: RedisServer, table: str) -> None:
    server.point(Pointer(8, 7, AT))
    with pytest.raises(RefusedError, match=r"gold\.epochs does not know"):
        move_canary(table, server.client, Wish(3, 0.5), RULES)
    assert epochs_in(server) == {1, 2, 3}
    server.client.flushall()
    with pytest.raises(RefusedError, match="Redis names no epoch"):
        move_canary(table, server.client, Wish(3, 0.5), RULES)
    assert statuses(table) == {1: "previous", 2: "current", 3: "canary"}


def test_rolling_back_takes_the_canary_first_and_twice_is_once(server: RedisServer, table: str) -> None:
    message = roll_back(table, server.client, ORDER, RULES)
    assert served(server) == (2, 1, None, ())
    assert statuses(table) == {1: "previous", 2: "current", 3: "rolled_back"}
    assert epochs_in(server) == {1, 2}
    assert (facts(table, 3)["to"], facts(table, 3)["why"]) == (2, "empty pools")
    assert "epoch 2 (night of 2026-03-09) is current; 3 keys removed" in message
    with pytest.raises(RefusedError, match=r"epoch 3 was rolled back by ann .* is current since\. To roll that"):
        roll_back(table, server.client, ORDER, RULES)
    with pytest.raises(RefusedError, match="epoch 3 is not the newest that is served: that is epoch 2"):
        roll_back(table, server.client, Order("ann", "bad", epoch=3), RULES)
    roll_back(table, server.client, Order("ann", "bad too", epoch=2), RULES)
    assert served(server) == (1, None, None, ())
    assert statuses(table) == {1: "current", 2: "rolled_back", 3: "rolled_back"}


def test_a_canary_that_was_marked_is_gone_before_the_next_move(server: RedisServer, table: str) -> None:
    ledger.record(table, [epoch_row(3, "rolled_back")])  # a rollback was killed before its flip
    with pytest.raises(RefusedError, match="epoch 3 is rolled_back: it never comes back"):
        move_canary(table, server.client, Wish(3, 1.0), RULES)
    assert served(server) == (2, 1, None, ())
    assert epochs_in(server) == {1, 2}


def test_one_arm_returns_to_the_epoch_before(server: RedisServer, table: str) -> None:
    order = Order("ann", "deep is empty", arm="deep")
    message = roll_back(table, server.client, order, RULES)
    assert served(server) == (2, 1, Canary(3, 0.1), (("deep", 2),))
    assert "arm deep of epoch 3 (night of 2026-03-10) was rolled back by ann" in message
    assert "10 % of the users read epoch 3; arm deep reads epoch 2" in message
    before = pointer(server)
    assert roll_back(table, server.client, order, RULES) == message
    assert pointer(server) == before
    assert statuses(table) == {1: "previous", 2: "current", 3: "canary"}
    move_canary(table, server.client, Wish(3, 1.0), RULES)
    assert pointer(server).epochs_for(7, "deep") == (2, None)
    roll_back(table, server.client, Order("bob", "all of it"), RULES)
    assert served(server) == (2, None, None, ())
    assert (facts(table, 3)["by"], facts(table, 3)["arms"]["deep"]["by"]) == ("bob", "ann")


def test_one_arm_of_the_current_epoch_killed_before_the_flip(
    server: RedisServer, table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> None:
        raise Killed

    server.point(STABLE)
    order = Order("ann", "deep is empty", arm="deep")
    with monkeypatch.context() as patch:
        patch.setattr("spark_jobs.publish.rollback.epoch_store.flip", die)
        with pytest.raises(Killed):
            roll_back(table, server.client, order, RULES)
    roll_back(table, server.client, order, RULES)
    assert served(server) == (2, 1, None, (("deep", 1),))
    server.point(Pointer(2, None, AT + 99))
    with pytest.raises(RefusedError, match="none is kept before it"):
        roll_back(table, server.client, Order("ann", "and this", arm="wide"), RULES)


def test_a_publish_flips_to_all_or_to_a_share_that_has_somebody_to_be_compared_with() -> None:
    assert succeed(None, 1, (), 9, 0.1) == Pointer(1, None, 9)
    assert succeed(LIVE, 4, (), AT + 9) == Pointer(4, 2, AT + 9)
    assert succeed(LIVE, 4, (), AT + 9, 0.2) == Pointer(2, 1, AT + 9, Canary(4, 0.2))
    assert succeed(LIVE, 4, {2}, AT + 9, 0.2) == Pointer(1, None, AT + 9, Canary(4, 0.2))
    assert succeed(STABLE, 4, {2, 1}, AT + 9, 0.2) == Pointer(4, None, AT + 9)
    held = Pointer(2, 1, AT, held=(("deep", 1),))
    assert succeed(held, 4, (), AT + 9, 0.2).epochs_for(7, "deep") == (1, None)
    assert succeed(held, 4, (), AT + 9).held == ()


def test_the_command_line(server: RedisServer, table: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert table.startswith(str(tmp_path))
    words = ["--lake", str(tmp_path), "--redis", server.url, "--epoch", "3", "--share"]
    assert canary.main([*words, "0.25"]) == 0
    assert "25 % of the users read epoch 3" in capsys.readouterr().out
    for share in ("0", "1.5", "nan"):
        with pytest.raises(SystemExit, match="2"):
            canary.main([*words, share])
    assert "--share is above 0 and at most 1, not nan; to take a canary back, roll it back" in capsys.readouterr().err
    assert canary.main([*words[:5], "8", *words[6:], "1"]) == 1
    assert capsys.readouterr().err == "the canary was not moved: gold.epochs knows no epoch 8; epoch 2 is current\n"


def test_an_order_given_again_after_redis_was_emptied_concludes_nothing(server: RedisServer, table: str) -> None:
    order = Order("ann", "bad", "request-1")
    roll_back(table, server.client, order, RULES)
    server.client.flushall()
    assert "no epoch is current" in roll_back(table, server.client, order, RULES)
    assert statuses(table) == {1: "previous", 2: "current", 3: "rolled_back"}
