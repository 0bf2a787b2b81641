"""What a user did lately with posts, as Redis tells it and a page shows it."""

from collections.abc import Iterable, Mapping

from contracts.redis_members import ACT_MEMBERS, ACTS, ids_by_kind
from serving.reader.values import DamagedValueError, parse_members

Acts = Mapping[int, int]
"""Post to what the user did with it: the sum of ``BIT_OF`` its acts."""

BIT_OF = {act: 1 << place for place, act in enumerate(ACTS)}
FIELD_OF = {"like": "liked", "comment": "commented", "share": "shared"}
"""Name of each act in a response and in a page record."""
UNKNOWN = "null"


def parse_acts(reply: object, most: int) -> tuple[dict[int, int], int]:
    """Parse the acts of a sorted set, and count the members that are not acts.

    Raises ``DamagedValueError`` if the reply is not a sorted set, or has more than ``most`` members.
    """
    if isinstance(reply, Exception) or not isinstance(reply, list) or len(reply) > most:
        parse_members(reply, most)  # says what is wrong
        raise DamagedValueError("it is no sorted set")
    ids = ids_by_kind(reply, ACT_MEMBERS.values())
    found = {act: parse_members(members, most) for act, members in ids.items()}
    num_known = sum(len(ids[act]) - members.num_damaged for act, members in found.items())
    return acts_of({act: members.ids for act, members in found.items()}), len(reply) - num_known


def acts_of(posts: Mapping[str, Iterable[int]]) -> dict[int, int]:
    """``Acts`` from the posts of each act."""
    acts: dict[int, int] = {}
    for act, post_ids in posts.items():
        for post_id in post_ids:
            acts[post_id] = acts.get(post_id, 0) | BIT_OF[act]
    return acts


def shown_acts(acts: Acts | None, post_id: int) -> str:
    """``user_interaction`` of a post, as JSON; null if nobody knows what the user did."""
    return UNKNOWN if acts is None else _TEXTS[acts.get(post_id, 0)]


def _text(bits: int) -> str:
    parts = (f'"{FIELD_OF[act]}":{"true" if bits & bit else "false"}' for act, bit in BIT_OF.items())
    return f"{{{','.join(parts)}}}"


_TEXTS = tuple(_text(bits) for bits in range(1 << len(ACTS)))
