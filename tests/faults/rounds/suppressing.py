"""What users and services suppress while the rounds go on, besides what the lake knows, and who must know it when."""

import time
from dataclasses import dataclass
from math import inf
from random import Random

from contracts.redis_keys import TAKEDOWN_KEY, block_key, hidden_key
from tests.faults.rounds.content import AUTHORS, BLOCKS, HIDES, POSTS, TAKEN_DOWN, USERS, posts_of
from tests.faults.rounds.oracle import Withheld
from tests.serving.reader_world import RedisServer

MEMORY_LAG_S = 2.0
"""Within this time a reader that reaches Redis has blocks and takedowns in memory; it reads them every 0.3 s."""
_KEPT = 3
_KEPT_AFTER_S = 30.0
_HIDING, _BLOCKING = USERS[30:45], USERS[45:]


@dataclass
class Live:
    """Members of sets that a service added, and for how long; ``user`` None: for everybody."""

    user: int | None
    posts: frozenset[int]
    members: dict[str, tuple[int, ...]]
    is_hide: bool
    begun: float = inf
    since: float = inf
    until: float = inf


class Suppressing:
    """Adds some suppression now and then and lifts it some rounds later, and remembers when Redis was disturbed."""

    def __init__(self, server: RedisServer) -> None:
        self._server = server
        self._live: list[Live] = []
        self._disturbed: list[tuple[float, float]] = []
        self._began = 0.0

    def add(self, random: Random) -> None:
        """Hide, block or take down something that is not suppressed already."""
        kind = random.choice(("hide", "block", "takedown"))
        if kind == "hide":
            user = random.choice(_HIDING)
            posts = frozenset(random.sample(POSTS, 5))
            found = Live(user, posts, {hidden_key(user): tuple(posts)}, is_hide=True)
        elif kind == "block":
            user, author = random.choice(_BLOCKING), random.choice(AUTHORS)
            found = Live(
                user, posts_of(author), {block_key(user): (author,), block_key(author): (user,)}, is_hide=False
            )
        else:
            post = random.choice([post for post in POSTS if post not in TAKEN_DOWN])
            found = Live(None, frozenset({post}), {TAKEDOWN_KEY: (post,)}, is_hide=False)
        current = [one for one in self._live if one.until == inf]
        if any(one.user == found.user and one.posts & found.posts for one in current):
            return
        found.begun = time.monotonic()
        self._send(found)
        found.since = time.monotonic()
        self._live.append(found)

    def lift_oldest(self) -> None:
        """Take back the oldest, beyond some that stay; forget what ended long ago."""
        current = [one for one in self._live if one.until == inf]
        for one in current[:-_KEPT]:
            one.until = time.monotonic()
            for key, members in one.members.items():
                self._server.client.srem(key, *members)
        self._live = [one for one in self._live if one.until > time.monotonic() - _KEPT_AFTER_S]

    def restore(self) -> None:
        """Add all again to a Redis that lost it."""
        for one in self._live:
            if one.until == inf:
                self._send(one)

    def _send(self, one: Live) -> None:
        for key, members in one.members.items():
            self._server.client.sadd(key, *members)

    def begin_disturbance(self) -> None:
        """From now on Redis may not answer."""
        self._began = time.monotonic()

    def end_disturbance(self) -> None:
        """Readers read from Redis again."""
        if self._began:
            self._disturbed.append((self._began, time.monotonic()))
            self._began = 0.0

    def withheld(self) -> list[Withheld]:
        """All that is or was lately suppressed."""
        base = [Withheld(None, TAKEN_DOWN, 0.0, known_at=0.0)]
        base += [Withheld(user, posts_of(author), 0.0, known_at=0.0) for user, author in BLOCKS.items()]
        base += [Withheld(user, posts, 0.0, is_hide=True) for user, posts in HIDES.items()]
        return base + [
            Withheld(one.user, one.posts, one.since, one.until, self._known_at(one.since), one.is_hide, one.begun)
            for one in self._live
        ]

    def _known_at(self, since: float) -> float:
        """The end of the first time without a disturbance that is long enough for a reader to read all."""
        at = since
        for began, ended in [*self._disturbed, *([(self._began, inf)] if self._began else [])]:
            if began < at + MEMORY_LAG_S and ended > at:
                at = ended
        return at + MEMORY_LAG_S
