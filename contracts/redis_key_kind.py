"""What a kind of key in Redis is: the parts of its keys, what they hold and for how long."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from contracts.redis_members import MemberKind

Identity = Literal["user", "post", "list", "slot"]
"""What the last part of a key identifies. A user's id is a hash tag, so that one request touches one cluster slot. A
slot is identified by a number that has its hash (``redis_cluster.py``)."""

USER_TAG = re.compile(rb"\{u(-?\d+)\}")
FALLBACKS: tuple[Literal["popular", "chronological"], ...] = ("popular", "chronological")
"""Public pools, served to users without a pool of their own."""
ARM = r"[a-z][a-z0-9_-]{0,31}"
_LAST_WORD = {
    "user": r":\{u(%s-?\d+)\}",
    "post": r":(%s-?\d+)",
    "list": r":(%s[a-z]+)",
    "slot": r":\{(%s\d+)\}",
}
_TAGGED = {"user": "{{u{}}}", "slot": "{{{}}}"}
"""Identities that are hash tags."""


@dataclass(frozen=True)
class KeyKind:
    """One kind of key: ``prefix[:epoch][:arm][:identity]``.

    Keys ``per_epoch`` are removed with their epoch. A key expires ``publish.key_ttl_s + extra_ttl_s`` after it is
    written; with None it never expires. ``members``: the value is a set or a sorted set of members of these kinds.
    """

    name: str
    prefix: str
    holds: str
    written_by: str
    per_epoch: bool = False
    per_arm: bool = False
    of: Identity | None = None
    extra_ttl_s: int | None = None
    members: tuple[MemberKind, ...] = ()
    packs_posts: bool = False

    def key(self, identity: int | str | None = None, *, epoch: int | None = None, arm: str | None = None) -> str:
        """A key of this kind; ``ValueError`` if ``arm`` is not a valid name."""
        assert (identity is None, epoch is None) == (self.of is None, not self.per_epoch), f"parts of {self.name}"
        words = [self.prefix]
        if epoch is not None:
            words.append(str(epoch))
        if arm is not None:
            if not self.per_arm or not re.fullmatch(ARM, arm):
                raise ValueError(f"a key of kind {self.name} has no arm {arm!r}: arms match {ARM}")
            words.append(arm)
        if identity is not None:
            words.append(_TAGGED.get(str(self.of), "{}").format(identity))
        return ":".join(words)

    def keys(self, identities: Iterable[int], *, epoch: int | None = None, arm: str | None = None) -> list[bytes]:
        """The keys of many identities, as ``key`` builds each."""
        template = self.key("%d", epoch=epoch, arm=arm).encode()
        return [template % identity for identity in identities]

    def ttl_s(self, key_ttl_s: int) -> int | None:
        """Seconds until a key that is written now expires, given ``publish.key_ttl_s``."""
        return None if self.extra_ttl_s is None else key_ttl_s + self.extra_ttl_s

    @property
    def on_erasure(self) -> str:
        """What an erasure does with keys of this kind; empty if they hold nothing of a person."""
        rewritten = self.packs_posts or any(member.erased_as for member in self.members)
        own = {"user": "theirs is deleted", "post": "those of their posts are deleted"}.get(str(self.of), "")
        return "; ".join(filter(None, [own, "they are taken out of the others" if rewritten else ""]))

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Matches the keys of this kind; groups ``epoch``, ``arm`` and ``identity`` where it has them."""
        return re.compile(self._pattern("?P<epoch>", "?P<arm>", "?P<identity>"), re.ASCII)

    @property
    def epoch_pattern(self) -> bytes:
        """As ``pattern``; the epoch is the only group."""
        return self._pattern("", "?:", "?:").encode()

    def _pattern(self, epoch: str, arm: str, identity: str) -> str:
        middle = rf":({epoch}\d+)" * self.per_epoch + rf"(?::({arm}{ARM}))?" * self.per_arm
        return re.escape(self.prefix) + middle + (_LAST_WORD[self.of] % identity if self.of else "")

    @property
    def spelling(self) -> str:
        """The key with names for its parts, for the docs page."""
        last = {"user": ":{u<user>}", "post": ":<post>", "list": f":{'|'.join(FALLBACKS)}", "slot": ":{<number>}"}
        words = [self.prefix, ":<epoch>" * self.per_epoch, "[:<arm>]" * self.per_arm, last.get(str(self.of), "")]
        return "".join(words)
