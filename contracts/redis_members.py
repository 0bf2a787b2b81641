"""Members of the sets in Redis: an id, or the name of a kind and an id, as in ``friend:17``.

``redis_keys`` says which key holds members of which kinds.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from contracts.erasure import Kind


@dataclass(frozen=True)
class MemberKind:
    """One kind of members: ``<name>:<id>``, or the id alone if ``name`` is empty. The id is that of an ``of``."""

    of: Kind | Literal["group"]
    name: str = ""

    @cached_property
    def prefix(self) -> str:
        """What a member has before its id."""
        return f"{self.name}:" if self.name else ""

    @cached_property
    def tag(self) -> bytes:
        """The name as Redis holds it."""
        return self.name.encode()

    def member(self, identity: int) -> str:
        """The member of this kind with that id."""
        return f"{self.prefix}{identity}"

    @property
    def erased_as(self) -> Kind | None:
        """The kind of ids of a person by which an erasure removes such a member; None if it identifies nobody."""
        return None if self.of == "group" else self.of

    @property
    def spelling(self) -> str:
        """A member with a name for its id, for the docs page."""
        return f"`{self.prefix}<{self.of}>`"


FRIEND, GROUP = MemberKind("user", "friend"), MemberKind("group", "group")
ACTS = ("like", "comment", "share")
"""What a user does with a post that their feed shows afterwards."""
ACT_MEMBERS = {act: MemberKind("post", act) for act in ACTS}


def split_member(member: object) -> tuple[bytes, bytes]:
    """The ``tag`` of a member's kind and its id, both unchecked."""
    if not isinstance(member, bytes):
        return b"", b""
    tag, _, identity = member.partition(b":")
    return tag, identity


def ids_by_kind(members: Iterable[object], kinds: Iterable[MemberKind]) -> dict[str, list[bytes]]:
    """The ids of the members of each kind, unchecked, by the kind's name.

    Kinds without members are absent, and members of other kinds are dropped.
    """
    ids: dict[bytes, list[bytes]] = {}
    for member in members:
        if isinstance(member, bytes):
            tag, colon, identity = member.partition(b":")
            if colon:
                ids.setdefault(tag, []).append(identity)
    return {kind.name: ids[kind.tag] for kind in kinds if kind.tag in ids}
