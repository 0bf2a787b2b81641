"""The visibility rule: who may see which post; the code works on tables, arrays and single values.

A viewer may see a post iff it is not deleted, neither viewer nor author blocks the other, and the viewer is its
author or its privacy admits them: ``public`` everyone, ``friends`` the author's friends, ``friends_except`` the
friends outside the audience, ``custom`` the audience, ``only_me`` nobody. A post in a group needs an active
membership as well: there, ``public`` means the members.
A post without a known author is nobody's: nobody is its author or the author's friend, and no block concerns it.
So ``public`` shows it to everyone, ``custom`` to the audience, and any other privacy to nobody.

The functions use nothing but ``==``, ``&``, ``|`` and ``~``. So they take Spark columns, NumPy arrays of one length, or
NumPy scalars, and return the same kind; none of the values may be null.
"""

from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any

ADMITTING = ("public", "friends", "friends_except", "custom")
"""The privacies that admit somebody else than the author."""


@dataclass(frozen=True)
class Viewing:
    """Inputs of the rule for a post and a viewer: one pair, or one per row of the values.

    ``is_listed``: the viewer is in the post's audience. ``is_member``: of the group that the post is in.
    ``is_blocked``: viewer or author blocks the other.
    """

    privacy: Any
    source_type: Any
    is_deleted: Any
    is_author: Any
    is_friend: Any
    is_listed: Any
    is_member: Any
    is_blocked: Any


def is_visible(pair: Viewing) -> Any:
    """Whether the viewer may see the post."""
    is_admitted = (
        (pair.privacy == "public")
        | ((pair.privacy == "friends") & pair.is_friend)
        | ((pair.privacy == "friends_except") & pair.is_friend & ~pair.is_listed)
        | ((pair.privacy == "custom") & pair.is_listed)
    )
    may_enter = (pair.source_type != "group") | pair.is_member
    return ~pair.is_deleted & ~pair.is_blocked & (pair.is_author | (is_admitted & may_enter))


def is_shared(privacy: Any) -> Any:
    """Whether anybody but its author may see a post that is not deleted, blocks aside. Also takes a string.

    A post of an unknown privacy is its author's only.
    """
    return reduce(or_, (privacy == admitting for admitting in ADMITTING))


def is_open(privacy: Any, source_type: Any) -> Any:
    """Whether everyone may see a post that is not deleted, blocks aside. Also takes two strings."""
    return (privacy == "public") & (source_type != "group")
