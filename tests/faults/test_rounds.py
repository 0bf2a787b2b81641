"""The rounds see what they are there to see: each rule is broken once, and noticed."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from contracts.redis_keys import pool_key
from tests.faults.rounds import epochs_in_redis
from tests.faults.rounds.answers import Answer, AnswerLog
from tests.faults.rounds.content import BLOCKS, HIDES, STRANGERS, TAKEN_DOWN, USERS, is_public, pool_of, public_pool
from tests.faults.rounds.kinds.killed_publisher import point_of
from tests.faults.rounds.oracle import Flip, Oracle, Truth, Withheld
from tests.faults.rounds.schedule import CYCLE, FAULTS, fault_of
from tests.faults.rounds.steps import label_of
from tests.faults.rounds.suppressing import MEMORY_LAG_S, Suppressing
from tests.faults.rounds.tally import Tally
from tests.faults.rounds.world import read_flips
from tests.serving.reader_world import RedisServer

USER = USERS[28]
"""One for whom the lake suppresses nothing but what is taken down."""
CONTENTS = {4: 40, 5: 50, 6: 60}


@pytest.fixture(scope="module")
def redis_server() -> Iterator[RedisServer]:
    yield from RedisServer.running()


def truth(*withheld: Withheld) -> Truth:
    """Epochs 4, 5 and 6 are flipped to at 10, 20 and 30 s."""
    flips = [Flip(100 + at, epoch, 10.0 * at) for at, epoch in enumerate(CONTENTS, 1)]
    return Truth(dict(CONTENTS), flips, list(withheld))


def page(epoch: int, at: float, **changes: object) -> Answer:
    """The whole pool of the user, asked for at that time."""
    content = CONTENTS[epoch]
    good = Answer(USER, 50, at, at + 0.01, 200, epoch, "redis", pool_of(content, USER), (content,))
    return replace(good, **changes)  # type: ignore[arg-type]


def broken(*answers: Answer, of: Truth | None = None) -> list[str]:
    return Oracle(of or truth()).judge(answers)


def without(pool: tuple[int, ...], *posts: int) -> tuple[int, ...]:
    return tuple(post for post in pool if post not in posts)


def test_answers_that_keep_to_the_rules_are_let_pass() -> None:
    first = page(4, 11, count=10, posts=pool_of(40, USER)[:10])
    following = page(4, 12, count=10, posts=pool_of(40, USER)[10:20], before=first.posts)
    popular = page(5, 21, level="popular", posts=public_pool(50, "popular"))
    assert broken(first, following, page(5, 20.5), popular, page(6, 31)) == []
    assert broken(page(4, 11, status=400, detail="cursor expired", before=(1,))) == []
    stranger = replace(popular, user=STRANGERS[1])
    assert (
        broken(stranger, page(5, 22, level="previous_epoch", posts=tuple(filter(is_public, pool_of(50, USER))))) == []
    )


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (page(5, 21, status=500, posts=()), "status 500"),
        (page(5, 21, status=503, posts=()), "status 503"),
        (page(5, 21, status=0, detail="ConnectionRefusedError", posts=()), "status 0 ConnectionRefusedError"),
        (page(5, 21, status=400, detail="cursor expired"), "status 400"),
        (page(5, 21, status=400, detail="cursor not valid", before=(1,)), "status 400 cursor not valid"),
        (replace(page(5, 21), epoch=7), "epoch 7 was never recorded as built"),
        (page(5, 21, contents=(40, 50)), "cards of contents (40, 50) in epoch 5"),
        (page(5, 21, posts=pool_of(40, USER)), "not at its place|is missing"),
        (page(5, 21, posts=pool_of(50, USER)[1:]), "is missing before"),
        (page(5, 21, posts=pool_of(50, USER)[:-1]), "is missing at the end"),
        (page(5, 21, posts=()), "is missing at the end"),
        (page(5, 21, posts=pool_of(50, USER)[::-1]), "not at its place|is missing"),
        (page(5, 21, posts=(*pool_of(50, USER), 1)), "not at its place"),
        (page(5, 21, level="previous_epoch"), "not at its place|is missing"),
        (page(5, 21, posts=pool_of(50, USER)[:10], count=10, before=pool_of(50, USER)[:10]), "are on two pages"),
        (page(5, 21, posts=pool_of(50, USER)[12:22], count=10, before=pool_of(50, USER)[:10]), "is missing before"),
        (page(6, 21), "without a flip to it since"),
    ],
)
def test_an_answer_that_breaks_a_rule_is_noticed(answer: Answer, sentence: str) -> None:
    found = broken(answer)
    assert any(part in one for one in found for part in sentence.split("|")), found


def test_a_reader_that_goes_back_is_noticed_unless_a_rollback_made_it() -> None:
    assert any("epoch 4 after epoch 5" in one for one in broken(page(5, 21), page(4, 22)))
    assert broken(page(5, 21), page(4, 20.99)) == [], "it was asked for before the other had come"
    rolled_back = truth()
    rolled_back.flips.append(Flip(110, 5, 40.0))
    assert broken(page(6, 31), page(5, 41), of=rolled_back) == []
    assert broken(page(6, 31), page(5, 32), of=rolled_back) != []
    assert any("epoch 6 after epoch 5" in one for one in broken(page(6, 31), page(5, 41), page(6, 42), of=rolled_back))


def test_what_is_withheld_is_noticed_where_it_must_be_known() -> None:
    own = next(post for post in pool_of(50, USER) if post not in public_pool(50, "popular"))
    public = next(post for post in public_pool(50, "popular") if post not in pool_of(50, USER))
    hidden = Withheld(USER, frozenset({own, public}), since=21.0, is_hide=True)
    taken = Withheld(None, frozenset({own, public}), since=21.0, known_at=23.0)
    for one in (hidden, taken):
        shown, left_out = page(5, 21.5), page(5, 21.5, posts=without(pool_of(50, USER), own))
        assert any("may not see" in sentence for sentence in broken(shown, of=truth(one)))
        assert broken(left_out, of=truth(one)) == []
        assert broken(page(5, 20.9), of=truth(one)) == [], "it was asked for before"
        lifted = replace(one, until=22.0)
        assert broken(page(5, 22.5), of=truth(lifted)) == []
    popular = page(5, 22.0, level="popular", posts=public_pool(50, "popular"))
    late = replace(popular, sent_at=23.5, answered_at=23.6)
    assert broken(popular, of=truth(taken)) == []
    assert any("may not see" in sentence for sentence in broken(late, of=truth(taken)))
    assert broken(late, of=truth(hidden)) == [], "this reader was not asked by the user since"
    asked = page(5, 21.5, posts=without(pool_of(50, USER), own))
    assert any("may not see" in sentence for sentence in broken(asked, late, of=truth(hidden)))
    assert broken(replace(late, user=USERS[27]), of=truth(hidden)) == []


def test_memory_must_know_what_was_suppressed_two_undisturbed_seconds_ago(redis_server: RedisServer) -> None:
    suppressing = Suppressing(redis_server)
    kept = suppressing.withheld()
    assert {one.posts for one in kept if one.user is None} == {TAKEN_DOWN}
    assert {one.user for one in kept if one.user is not None} == {*HIDES, *BLOCKS}
    suppressing._disturbed = [(10.0, 12.0), (13.0, 14.0)]
    assert suppressing._known_at(5.0) == 5.0 + MEMORY_LAG_S
    assert suppressing._known_at(9.0) == 14.0 + MEMORY_LAG_S
    for number in range(40):
        suppressing.add(Random(number))
    live = [one for one in suppressing.withheld() if one.since]
    assert len(live) > 10
    suppressing.lift_oldest()
    assert sum(one.until < float("inf") for one in suppressing.withheld()) == len(live) - 3
    redis_server.client.flushall()
    suppressing.restore()
    assert sum(one.until == float("inf") for one in suppressing.withheld() if one.since) == 3
    assert redis_server.client.dbsize() > 0


def test_an_epoch_that_is_not_whole_is_noticed(redis_server: RedisServer) -> None:
    client = redis_server.client
    client.flushall()
    client.mset(epochs_in_redis.expected(redis_server.url, 3, 30))
    assert epochs_in_redis.found_in(client) == {3}
    assert epochs_in_redis.problem_of(client, redis_server.url, 3, 30) == ""
    assert "0 of 362 keys are lost and 362 have another value" in problem(redis_server, 31)
    client.set(pool_key(3, USER), b"damaged")
    client.delete(pool_key(3, USERS[0]))
    assert "1 of 362 keys are lost and 1 have another value, such as pool:3:{u1000}" in problem(redis_server, 30)


def problem(server: RedisServer, content: int) -> str:
    return epochs_in_redis.problem_of(server.client, server.url, 3, content)


def test_a_late_p99_is_noticed() -> None:
    tally = Tally(1)
    tally.add(1, "redis slow", "no publish beside", [1.0] * 900 + [250.0] * 100, [])
    tally.judge_latency()
    assert tally.broken[0] == "redis slow: p99 of 250.0 ms is above the budget of 200 ms"
    quick = Tally(1)
    quick.add(1, "redis slow", "no publish beside", [1.0] * 1000, [])
    quick.judge_latency()
    assert quick.broken == []


def test_a_cycle_has_every_fault_and_a_round_is_found_by_its_number() -> None:
    assert set(CYCLE) == set(FAULTS)
    turns: dict[str, list[int]] = {name: [] for name in FAULTS}
    for number in range(1, 3 * len(CYCLE) + 1):
        name, turn = fault_of(number)
        turns[name].append(turn)
    assert all(found == list(range(len(found))) for found in turns.values())


@pytest.mark.parametrize("num_steps", [1, 37, 41, 74, 100])
def test_kills_come_to_every_point(num_steps: int) -> None:
    points = {point_of(num_steps, turn) for turn in range(3 * num_steps)}
    assert len(points) == 3 * num_steps


def test_steps_are_named_by_command_and_kind_of_key() -> None:
    assert label_of(b"*5\r\n$3\r\nSET\r\n$14\r\npool:3:{u1000}\r\n$2\r\nab\r\n") == "SET pool"
    assert label_of(b"*4\r\n$4\r\nEVAL\r\n$60\r\nif 1\r\n") == "flip"
    assert label_of(b"*4\r\n$4\r\nSCAN\r\n$1\r\n0\r\n$5\r\nMATCH\r\n") == "SCAN"
    assert label_of(b"*1\r\n$4\r\nPING\r\n") is None


def test_answers_are_read_once_and_whole(tmp_path: Path) -> None:
    log, answer = AnswerLog(tmp_path / "log"), page(5, 21, before=(7, 8))
    assert log.new() == []
    log.path.write_text(answer.line() + answer.line()[:20])
    assert log.new() == [answer]
    with log.path.open("a") as opened:
        opened.write(answer.line()[20:])
    assert log.new() == [answer]
    assert log.new() == []


def test_refused_flips_do_not_count(tmp_path: Path) -> None:
    def line(process: int, epoch: int, **more: object) -> str:
        return json.dumps({"at": 1.0, "epoch": epoch, "published_at": 7, "process": process, **more}) + "\n"

    log = tmp_path / "flips"
    log.write_text(line(1, 5) + line(2, 6) + line(2, 6, refused=True))
    assert read_flips(log) == [Flip(7, 5, 1.0)]
