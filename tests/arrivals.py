"""A landing area whose files arrive out of order, for tests of when they are read."""

import json
from datetime import date, timedelta
from pathlib import Path

from tests.landed import (
    Event,
    ad,
    campaign,
    engagement,
    event,
    impression,
    label,
    post,
    session,
    user,
)

FIRST, LAST = date(2026, 3, 29), date(2026, 3, 30)
"""The two nights on which the files may be read."""


def at(day: int, hour: int = 12) -> str:
    return f"2026-03-{day:02}T{hour:02}:00:00Z"


def edge(kind: str, event_id: str, when: str, **fields: int | str) -> Event:
    return event(kind, event_id, when, None, **fields)


def area() -> dict[str, list[Event]]:
    """Landing file to its events."""
    return {
        "2026-03-21/users.jsonl": [user(at_, at=at(21), country="DE") for at_ in (1, 2, 3, 4)],
        "2026-03-22/posts.jsonl": [
            post(10, 1, at=at(22), text="one #food"),
            post(11, 2, at=at(22), text="two"),
            post(12, 9, at=at(22), text="its author comes later"),
            {**post(13, 3, "not yet", at(22)), "text": 13},
            edge("page_followed", "follow", at(22), user_id=3, page_id=5),
        ],
        "2026-03-23/graph.jsonl": [
            edge("friendship_created", "f12", at(23), user_id=1, friend_id=2),
            edge("friendship_removed", "f13 ends", at(26), user_id=1, friend_id=3),
            edge("friendship_removed", "f12 ends", at(27), user_id=2, friend_id=1),
            edge("friendship_created", "f14", at(23), user_id=4, friend_id=1),
            edge("user_blocked", "b42", at(23), user_id=4, blocked_id=2),
        ],
        "2026-03-24/graph.jsonl": [
            edge("friendship_created", "f13", at(24), user_id=3, friend_id=1, relation="family"),
            edge("friendship_removed", "f12 paused", at(24), user_id=1, friend_id=2),
            edge("friendship_created", "f12 again", at(25), user_id=1, friend_id=2),
            edge("user_unblocked", "b42 ends", at(24), user_id=4, blocked_id=2),
            event("page_upserted", "page", at(24), page_id=5, owner_id=2, name="A"),
            event("page_upserted", "page at once", at(24), page_id=5, owner_id=3, name="B"),
        ],
        "2026-03-25/late-users.jsonl": [
            user(9, at=at(25)),
            user(1, "user-1 moves", at(24), country="US"),
            user(1, "user-1 moves at once", at(24), country="FR"),
            post(13, 3, "at last", at(22)),
        ],
        "2026-03-26/acts.jsonl": [
            impression("i1", 1, 11, at(26)),
            impression("i2", 9, 10, at(26), ad_id=7),
            engagement("e1", 2, 10, at(26)),
            engagement("e2", 3, 12, at(26)),
            engagement("e3", 4, 13, at(26), engagement_type="comment"),
            session("s1", 1, "s1 first", at(26)),
            label("l1", 12, "a", at(26)),
        ],
        "2026-03-27/acts.jsonl": [
            # The same deliveries again: of one the first was received here, of the other it was not.
            engagement("e1", 2, 10, at(26)) | {"received_at": at(26, 13)},
            engagement("e4", 1, 11, at(27)) | {"received_at": at(27, 13)},
            user(2, "used twice", at(27)) | {"received_at": at(27, 14)},
            event("post_updated", "edit", at(27), **_content(10, 1, text="one, edited")),
            event("post_deleted", "gone", at(27), post_id=11),
            session("s1", 1, "s1 last", at(27), started_at=at(26), ended_at=at(26, 13)),
            campaign(6, 9, at=at(27)),
            ad(7, 6, 10, at=at(27)),
        ],
        "2026-03-28/acts.jsonl": [
            engagement("e4", 1, 11, at(27)),
            user(4, "used twice", at(28)) | {"received_at": at(28, 13)},
            event("post_updated", "edit before", at(25), received=at(28), **_content(10, 1, text="one, first edit")),
            label("l2", 12, "a", at(28), value=False),
            event("page_upserted", "page passes on", at(28), page_id=5, owner_id=1, name="B"),
            edge("group_joined", "joins", at(28), user_id=1, group_id=8),
        ],
        "2026-03-28/groups.jsonl": [event("group_upserted", "group", at(28), group_id=8, owner_id=4, name="G")],
        "2026-03-29/early.jsonl": [user(3, "used twice", at(27)) | {"received_at": at(27, 13)}],
        "2026-03-25/old-folder.jsonl": stray("old-folder", 8000025, 25),
        "2026-03-28/day-before.jsonl": stray("day-before", 8000028, 28),
        "2026-03-30/today.jsonl": [engagement("e5", 8000025, 10, at(30)), impression("i3", 8000028, 13, at(30))],
    }


def _content(post_id: int, author_id: int, **fields: str) -> Event:
    known = post(post_id, author_id, at=at(22))
    return {name: value for name, value in {**known, **fields}.items() if name not in ENVELOPE}


ENVELOPE = ("event_id", "event_type", "event_time", "received_at")


def stray(name: str, user_id: int, day: int) -> list[Event]:
    """A user, their post, a friend of theirs and a like, all of one instant."""
    when = at(day, 15)
    return [
        user(user_id, f"{name}-u", when, name=name),
        post(user_id, user_id, f"{name}-p", when, text=name),
        edge("friendship_created", f"{name}-f", when, user_id=user_id, friend_id=1),
        engagement(f"{name}-e", 1, user_id, when),
    ]


def put(landing: Path, source: str, lines: list[Event], share: float = 1.0) -> None:
    """Write the file, or its first part: the rest comes while somebody else reads."""
    text = "".join(json.dumps(line) + "\n" for line in lines)
    path = landing / source
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text[: round(len(text) * share)])


def is_due(source: str, night: date) -> bool:
    return date.fromisoformat(source[:10]) < night + timedelta(days=1)
