"""Random reads against an oracle of who may see what, while everything that it depends on changes in between.

Between reads users block, hide and take back, posts are taken down and narrowed, epochs come behind canaries, are made
current and rolled back, and Redis stops. The reader refreshes now and then, so most requests meet a pointer and sets
that are older than Redis's. Without Redis the oracle is what was known: of a user at their last answered request, of
everything else at the last refresh. ``FEEDLAKE_READS`` says how many reads.
"""

import os
import signal
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any

import pytest

from contracts.epoch_status import withdrawn
from contracts.pointer import Canary, Pointer
from contracts.redis_key_kind import FALLBACKS
from contracts.redis_keys import NARROWED_KEY, TAKEDOWN_KEY, block_key, card_key, fallback_key, hidden_key, pool_key
from tests.serving.reader_world import GENERATED_AT, Client, RedisServer, Seed, card_of, open_reader_on, packed

READS = int(os.environ.get("FEEDLAKE_READS", "3000"))
USERS, STRANGERS = range(1_000, 1_030), range(3_000, 3_005)
"""Readers with pools, and readers without any."""
AUTHORS, POSTS = range(2_000, 2_008), range(1, 121)
FILTERS = ("all", "all", "all", "friends", "chronological")
SEED = 20


@dataclass
class Known:
    """What is known of who may see what."""

    blocked: set[tuple[int, int]] = field(default_factory=set)
    hidden: dict[int, set[int]] = field(default_factory=dict)
    taken_down: set[int] = field(default_factory=set)
    audience: dict[int, frozenset[int] | None] = field(default_factory=dict)

    def copy(self) -> "Known":
        hidden = {user: set(posts) for user, posts in self.hidden.items()}
        return Known(set(self.blocked), hidden, set(self.taken_down), dict(self.audience))

    def leak(self, user: int, post: int) -> str | None:
        """Why the user may not see the post; None where they may."""
        audience = self.audience[post]
        if post in self.taken_down:
            return "takedown"
        if (user, author_of(post)) in self.blocked:
            return "block"
        if post in self.hidden.get(user, ()):
            return "hidden"
        return "privacy" if audience is not None and user not in audience else None


def author_of(post: int) -> int:
    return AUTHORS[post % len(AUTHORS)]


class World:
    """Redis and the truth, changed together."""

    def __init__(self, server: RedisServer, random: Random) -> None:
        self.server, self.random, self.truth, self.num_changes = server, random, Known(), Counter[str]()
        for post in POSTS:
            some = frozenset(random.sample(USERS, 12))
            self.truth.audience[post] = some if post % 3 == 0 else None
        self.narrowed: set[int] = set()
        self.epoch = 1
        self.fill()
        self.pointer = Pointer(1, None, GENERATED_AT)
        server.point(self.pointer)

    def fill(self) -> None:
        """The keys of an epoch in which everybody has what they may see; who blocks or hides is left to the reader."""
        seeds = {
            post: Seed(post, author_of(post), is_public=audience is None, created_at=GENERATED_AT - post)
            for post, audience in self.truth.audience.items()
        }
        values = {card_key(self.epoch, post): card_of(seed, self.epoch) for post, seed in seeds.items()}
        for user in self.random.sample(USERS, len(USERS) * 9 // 10):  # the others have a pool in other epochs
            own = [seed for post, seed in seeds.items() if (self.truth.audience[post] or {user}) & {user}]
            self.random.shuffle(own)
            values[pool_key(self.epoch, user)] = packed(self.epoch, user, own[:60])
        public = [seed for seed in seeds.values() if seed.is_public]
        for kind in FALLBACKS:
            self.random.shuffle(public)
            values[fallback_key(self.epoch, kind)] = packed(self.epoch, None, public[:40])
        self.server.client.mset(values)

    def point(self, pointer: Pointer | None) -> None:
        """Move the pointer, then remove what it does not name any more."""
        assert pointer is not None
        removed, self.pointer = set(self.pointer.named) - set(pointer.named), pointer
        self.server.point(pointer)
        if removed and self.random.random() < 0.7:
            for epoch in removed:
                self.server.client.delete(*self.server.client.scan_iter(f"*:{epoch}:*", count=10_000))

    def publish(self) -> None:
        """Narrow some posts, tell it, and publish an epoch that knows it: to all, or to some."""
        self.epoch += 1
        for post in self.random.sample([post for post in POSTS if post not in self.narrowed] or [POSTS[0]], 3):
            before = self.truth.audience[post]
            self.truth.audience[post] = frozenset(self.random.sample(sorted(before or USERS), 4))
            self.narrowed.add(post)
            self.server.client.zadd(NARROWED_KEY, {post: self.epoch})
        self.fill()
        if self.random.random() < 0.5:
            canary = Canary(self.epoch, self.random.choice([0.1, 0.5, 1.0]))
            self.point(self.pointer.next(self.pointer.stable, self.pointer.previous, 0, canary))
        else:
            self.point(self.pointer.next(self.epoch, self.pointer.stable, 0))

    def change(self) -> None:
        """One random change."""
        user, post, author = (
            self.random.choice([*USERS, *STRANGERS]),
            self.random.choice(POSTS),
            self.random.choice(AUTHORS),
        )
        what = self.random.choices(
            ["block", "unblock", "hide", "unhide", "takedown", "publish", "promote", "roll back"],
            [10, 8, 12, 6, 1, 2 if len(self.narrowed) < 60 else 0, 2, 2],
        )[0]
        client = self.server.client
        if what in ("block", "unblock"):
            send = client.sadd if what == "block" else client.srem
            send(block_key(user), author)
            send(block_key(author), user)
            (self.truth.blocked.add if what == "block" else self.truth.blocked.discard)((user, author))
        elif what == "hide":
            client.sadd(hidden_key(user), post)
            self.truth.hidden.setdefault(user, set()).add(post)
        elif what == "unhide":
            client.srem(hidden_key(user), post)
            self.truth.hidden.get(user, set()).discard(post)
        elif what == "takedown" and len(self.truth.taken_down) < 25:
            client.sadd(TAKEDOWN_KEY, post)
            self.truth.taken_down.add(post)
        elif what == "publish":
            self.publish()
        elif what == "promote" and self.pointer.canary is not None:
            self.point(self.pointer.next(self.pointer.canary.epoch, self.pointer.stable, 0))
        elif what == "roll back" and len(self.pointer.named) > 1:
            bad = self.pointer.canary.epoch if self.pointer.canary else self.pointer.stable
            self.point(withdrawn(self.pointer, {bad}, 0))
        else:
            return
        self.num_changes[what] += 1


@dataclass
class Reads:
    """What came back."""

    client: Client
    random: Random
    cursors: dict[tuple[int, str], str] = field(default_factory=dict)
    met: dict[int, set[int]] = field(default_factory=dict)
    levels: Counter[str] = field(default_factory=Counter)
    leaks: list[str] = field(default_factory=list)
    num_posts: int = 0

    async def read(self, user: int, known: Known, when: str) -> None:
        """One random request of the user, held against what is known."""
        chosen = self.random.choice(FILTERS)
        parameters: dict[str, Any] = {"count": self.random.randint(1, 30), "filter": chosen}
        cursor = self.cursors.pop((user, chosen), None)
        if cursor is not None and self.random.random() < 0.8:
            parameters["cursor"] = cursor
        answer = await self.client.get(user, **parameters)
        if answer.status_code == 400 and "cursor" in parameters:
            assert answer.json()["detail"] == "cursor expired"
            self.levels["cursor expired"] += 1
            return
        assert answer.status_code == 200, answer.text
        page = answer.json()
        self.levels[f"{page['metadata']['served_from']}{when}"] += 1
        for post in page["posts"]:
            why = known.leak(user, int(post["id"]))
            self.num_posts += 1
            if why is not None:
                self.leaks.append(f"{why}: user {user}, post {post['id']}, {page['metadata']}, {parameters}{when}")
        if page["has_more"]:
            self.cursors[user, chosen] = page["next_cursor"]


@pytest.fixture
def server() -> Iterator[RedisServer]:
    yield from RedisServer.running()


async def without_redis(world: World, reads: Reads, num_reads: int) -> None:
    """Redis stops and comes back; meanwhile the truth moves on, and the reader cannot know it."""
    await reads.client.refresh()
    known = world.truth.copy()
    known.hidden = reads.met
    os.kill(world.server.pid, signal.SIGSTOP)
    try:
        for _ in range(num_reads):
            await reads.read(reads.random.choice(sorted(reads.met)), known, ", Redis stopped")
    finally:
        os.kill(world.server.pid, signal.SIGCONT)


@pytest.mark.slow
async def test_zero_leaks(server: RedisServer) -> None:
    random = Random(SEED)
    world = World(server, random)
    patience: dict[str, Any] = {"redis_timeout_s": 1.0, "breaker_open_s": 1.0, "blocks_refresh_s": 1e-9}
    async with open_reader_on(server, **patience) as client:
        reads = Reads(client, random)
        for at in range(READS):
            for _ in range(random.choice([0, 0, 1, 3])):
                world.change()
            if random.random() < 0.05:
                await client.refresh()
            user = random.choice([*USERS, *STRANGERS])
            await reads.read(user, world.truth, "")
            reads.met[user] = set(world.truth.hidden.get(user, ()))
            if at % (READS // 3) == READS // 3 - 1:
                await without_redis(world, reads, READS // 20)
                while client.app.state.keeper.failure or (await client.http.get("/readyz")).status_code != 200:
                    await client.app.state.keeper.try_refresh()
    print(f"\n{sum(reads.levels.values())} reads of {reads.num_posts} posts by level: {dict(reads.levels)}")
    print(f"changes in between: {dict(world.num_changes)}; {world.epoch} epochs; {len(reads.leaks)} leaks")
    assert reads.leaks == []
    assert {"redis", "previous_epoch", "popular", "popular, Redis stopped"} <= set(reads.levels)
    assert all(world.num_changes[what] for what in ("takedown", "publish", "promote", "roll back"))
