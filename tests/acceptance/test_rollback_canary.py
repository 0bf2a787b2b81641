"""A canary read by a tenth of the users, killed on its way back and taken back, while readers are polled.

Pools and cards are packed by the publisher's own code; nothing here needs Spark.
"""

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import numpy as np
import pytest

from contracts.pointer import Pointer, place_of
from contracts.redis_key_kind import FALLBACKS
from contracts.redis_keys import POINTER_KEY, card_key, fallback_key, parse_key, pool_key
from contracts.settings import PublishRules
from serving.http.tokens import mint_token
from spark_jobs.publish.canary import Wish, move_canary
from spark_jobs.publish.orders import Order, RefusedError
from spark_jobs.publish.rollback import roll_back
from tests.epoch_table import epoch_row, epoch_table, statuses
from tests.nights import ROOT, SECRET, Polling, Reader, kill, reader
from tests.serving.reader_world import RedisServer, Seed, card_of, packed

USERS = range(1_000_000, 1_001_000)
SHARE = 0.1
SIZE, PAGE = 30, 12
RULES = PublishRules()
CHOSEN = [user for user in USERS if place_of(user) < SHARE]
OTHERS = [user for user in USERS if place_of(user) >= SHARE]


@pytest.fixture
def server() -> Iterator[RedisServer]:
    yield from RedisServer.running()


def fill(server: RedisServer, epoch: int) -> int:
    """An epoch in which every user has a pool; its posts are its own. Returns its number of keys."""
    seeds = [Seed(10_000 * epoch + n) for n in range(SIZE)]
    values = {card_key(epoch, seed.post_id): card_of(seed, epoch) for seed in seeds}
    values |= {pool_key(epoch, user): packed(epoch, user, seeds) for user in USERS}
    values |= {fallback_key(epoch, kind): packed(epoch, None, seeds[:3]) for kind in FALLBACKS}
    server.client.mset(values)
    return len(values)


def epochs_in(server: RedisServer) -> Counter[int]:
    keys = (parse_key(key) for key in server.client.scan_iter(count=1000))
    return Counter(key.epoch for key in keys if key is not None and key.epoch is not None)


@dataclass
class Walker(Polling):
    """Keeps what is wrong, and when which epoch answered."""

    epochs: list[tuple[float, int]] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    num_pages: int = 0
    num_expired: int = 0

    def read(self, client: httpx.Client) -> None:
        """Walk through the feed page by page."""
        token = mint_token(self.user_id, SECRET.encode(), lifetime_s=600)
        seen: list[int] = []
        query: dict[str, str | int] = {"count": PAGE}
        while True:
            begun = time.monotonic()
            answer = client.get(
                f"{self.reader.url}/api/v1/feed", params=query, headers={"Authorization": f"Bearer {token}"}
            )
            self.num_pages += 1
            if answer.status_code == 400 and answer.json()["detail"] == "cursor expired" and seen:
                self.num_expired += 1
                return
            if answer.status_code != 200:
                self.wrong.append(f"{answer.status_code}: {answer.text}")
                return
            page = answer.json()
            epoch, level = page["metadata"]["epoch"], page["metadata"]["served_from"]
            ids = [int(post["id"]) for post in page["posts"]]
            expected = [10_000 * epoch + n for n in range(SIZE)][len(seen) : len(seen) + PAGE]
            if ids != expected or level != "redis" or (seen and seen[0] // 10_000 != epoch):
                self.wrong.append(f"epoch {epoch} from {level} after {seen}: {ids}")
            if not seen:
                self.epochs.append((begun, epoch))
            seen += ids
            if not page["has_more"]:
                return
            query = {"count": PAGE, "cursor": page["next_cursor"]}


def users_by_epoch(readers: Sequence[Reader]) -> list[Counter[int]]:
    """Which epoch the first page of each user is of, by reader; and that it is the one that their hash says."""
    counted = []
    for to in readers:
        epochs: Counter[int] = Counter()
        with httpx.Client(timeout=10) as client:
            for user in USERS:
                bearer = mint_token(user, SECRET.encode(), lifetime_s=600)
                headers = {"Authorization": f"Bearer {bearer}"}
                page = client.get(f"{to.url}/api/v1/feed", params={"count": 1}, headers=headers).json()
                epochs[page["metadata"]["epoch"]] += 1
                assert page["metadata"]["epoch"] == (2 if place_of(user) < SHARE else 1), user
        counted.append(epochs)
    return counted


def killed_rollback(server: RedisServer, lake: Path, table: str) -> None:
    """``make rollback`` killed between the mark in the table and its flip."""
    command = [sys.executable, "-m", "spark_jobs.publish.rollback", "--lake", str(lake), "--redis", server.url]
    command += ["--why", "empty pools", "--by", "ann"]
    server.client.client_pause(60_000, all=False)
    process = subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip
    while statuses(table)[2] != "rolled_back":
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.01)
    kill(process)
    server.client.client_unpause()


@pytest.mark.slow
def test_rollback_canary(server: RedisServer, tmp_path: Path) -> None:
    num_keys = fill(server, 1)
    assert fill(server, 2) == num_keys
    server.flip(2, 1)
    lake = tmp_path / "lake"
    table = epoch_table(lake, epoch_row(1, "previous"), epoch_row(2, "current", 9))
    walked = [*CHOSEN[:4], *OTHERS[:4]]
    with ExitStack() as stack:
        print("\n" + move_canary(table, server.client, Wish(2, SHARE), RULES))
        assert statuses(table) == {1: "current", 2: "canary"}
        readers = [stack.enter_context(reader(server.url, tmp_path / f"reader{n}.log")) for n in range(2)]
        counted = users_by_epoch(readers)
        sigma = float(np.sqrt(SHARE * (1 - SHARE) / len(USERS)))
        for epochs in counted:
            print(f"{epochs[2]} of {len(USERS)} users read the canary: {epochs[2] / len(USERS):.1%} ± {sigma:.1%}")
            assert abs(epochs[2] / len(USERS) - SHARE) < 3 * sigma
        assert counted[0] == counted[1]

        walkers = [stack.enter_context(Walker(to, user)) for to in readers for user in walked]
        time.sleep(2)
        killed_rollback(server, lake, table)
        assert Pointer.loads(server.client.get(POINTER_KEY)).canary is not None
        print(f"killed between mark and flip: canary still served, {statuses(table)}")
        time.sleep(1)
        message = roll_back(table, server.client, Order("bob", "empty pools"), RULES)
        done = time.monotonic()
        print(message)
        assert "rolled back by ann" in message
        with pytest.raises(RefusedError, match="epoch 1 is current and none is kept before it") as twice:
            roll_back(table, server.client, Order("bob", "empty pools"), RULES)
        print(f"once more: {twice.value}")
        time.sleep(2)

    assert statuses(table) == {1: "current", 2: "rolled_back"}
    assert epochs_in(server) == {1: num_keys}
    pages, expired = sum(walker.num_pages for walker in walkers), sum(walker.num_expired for walker in walkers)
    after = [epoch for walker in walkers for begun, epoch in walker.epochs if begun > done]
    wrong = [what for walker in walkers for what in walker.wrong]
    print(f"{pages} pages by {len(walkers)} walkers: {len(wrong)} mixed, empty or failed; {expired} walks expired")
    print(f"{len(after)} walks begun after the rollback, by epoch {dict(Counter(after))}")
    print(f"keys left by epoch: {dict(epochs_in(server))}")
    assert wrong == []
    assert len(after) > len(walkers)
    assert set(after) == {1}
    for walker in walkers:
        assert {epoch for begun, epoch in walker.epochs[:1]} == {2 if walker.user_id in CHOSEN else 1}
        assert walker.user_id in CHOSEN or {epoch for _, epoch in walker.epochs} == {1}
