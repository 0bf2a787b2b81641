"""Consistency rules of an event: the entities that it refers to exist, and its own fields agree.

``validate_landing`` and the jobs of the stage clean both apply these rules; a test gives both the same lines. An event
that breaks a rule is refused with a reason of ``contracts.landing.REFUSALS``.
"""

from dataclasses import dataclass
from typing import Literal

from contracts.erasure import NOBODY

Entity = Literal["user", "page", "group", "campaign", "post", "standing_post", "ad"]
"""A ``standing_post`` has an accepted line; a ``post`` may also be one whose own line was refused."""


@dataclass(frozen=True)
class Reference:
    """``field`` must refer to a known ``entity``, if it is present and ``only_when`` (field, value) holds.

    The value ``but`` refers to no entity. ``is_withheld``: the event is not at fault; it waits for the entity.
    """

    field: str
    entity: Entity
    only_when: tuple[str, str] | None = None
    but: int | None = None
    is_withheld: bool = False

    @property
    def reason(self) -> str:
        """The reason for refusing an event whose entity is unknown."""
        return "withheld_post" if self.is_withheld else f"unknown_{self.entity.removeprefix('standing_')}"


@dataclass(frozen=True)
class Contradiction:
    """``field`` must not be ``relation`` ``other``, a field of the same event; no rule if either is null."""

    field: str
    relation: Literal["equal to", "before", "after"]
    other: str
    reason: str


ENTITIES: dict[Entity, tuple[str, tuple[str, ...]]] = {
    "user": ("user_id", ("user_upserted",)),
    "page": ("page_id", ("page_upserted",)),
    "group": ("group_id", ("group_upserted",)),
    "campaign": ("campaign_id", ("campaign_upserted",)),
    "standing_post": ("post_id", ("post_created", "post_updated")),
    "ad": ("ad_id", ("ad_upserted",)),
}
"""The id of each entity and the events that make it known; each entity refers only to those before it."""

_USER, _AD = Reference("user_id", "user"), Reference("ad_id", "ad")
_POST = (Reference("post_id", "post"), Reference("post_id", "standing_post", is_withheld=True))
_OWNER = Reference("owner_id", "user", but=NOBODY)
_FRIENDS = (_USER, Reference("friend_id", "user"))
_BLOCK = (_USER, Reference("blocked_id", "user"))
_VERSION = (
    Reference("author_id", "user"),
    Reference("source_id", "page", only_when=("source_type", "page")),
    Reference("source_id", "group", only_when=("source_type", "group")),
)

REFERENCES: dict[str, tuple[Reference, ...]] = {
    "page_upserted": (_OWNER,),
    "group_upserted": (_OWNER,),
    "friendship_created": _FRIENDS,
    "friendship_removed": _FRIENDS,
    "page_followed": (_USER, Reference("page_id", "page")),
    "page_unfollowed": (_USER, Reference("page_id", "page")),
    "group_joined": (_USER, Reference("group_id", "group")),
    "group_left": (_USER, Reference("group_id", "group")),
    "user_blocked": _BLOCK,
    "user_unblocked": _BLOCK,
    "post_created": _VERSION,
    "post_updated": _VERSION,
    "post_deleted": (Reference("post_id", "standing_post"),),
    "impression": (_USER, *_POST, _AD),
    "engagement": (_USER, *_POST, _AD),
    "reaction": _POST,
    "moderation": _POST,
    "session": (_USER,),
    "campaign_upserted": (Reference("advertiser_id", "user"),),
    "ad_upserted": (*_POST, Reference("campaign_id", "campaign")),
    "content_labelled": _POST,
}
"""References by event type, in the order in which they are checked; the first that fails is reported."""

_NOT_ONESELF = {name: Contradiction(name, "equal to", "user_id", "self_edge") for name in ("friend_id", "blocked_id")}
_CREATED = Contradiction("created_at", "after", "event_time", "before_creation")

CONTRADICTIONS: dict[str, Contradiction] = {
    "friendship_created": _NOT_ONESELF["friend_id"],
    "friendship_removed": _NOT_ONESELF["friend_id"],
    "user_blocked": _NOT_ONESELF["blocked_id"],
    "user_unblocked": _NOT_ONESELF["blocked_id"],
    "post_created": _CREATED,
    "post_updated": _CREATED,
    "session": Contradiction("ended_at", "before", "started_at", "ends_before_start"),
    "campaign_upserted": Contradiction("ends_at", "before", "starts_at", "ends_before_start"),
}
"""Contradictions by event type, checked after its references."""
