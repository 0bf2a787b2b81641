"""No user is served a post that they may not see, by a direct implementation of the rules.

The reading is independent of the pipeline: it replays the landing files in plain Python.
"""

import json
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from spark_jobs.night.night import Night
from tests.nights import Reader


@dataclass
class Rules:
    """The network at the as-of, replayed from events in the order in which they happened."""

    posts: dict[int, dict[str, Any]] = field(default_factory=dict)
    deleted: set[int] = field(default_factory=set)
    edges: dict[str, set[tuple[int, int]]] = field(default_factory=lambda: defaultdict(set))

    def apply(self, event: dict[str, Any]) -> None:
        kind = event["event_type"]
        if kind in ("post_created", "post_updated"):
            self.posts[event["post_id"]] = event
        elif kind == "post_deleted":
            self.deleted.add(event["post_id"])
        elif kind in ("friendship_created", "friendship_removed"):
            pair = (event["user_id"], event["friend_id"])
            for edge in (pair, pair[::-1]):
                (set.add if kind.endswith("created") else set.discard)(self.edges["friend"], edge)
        elif kind in ("group_joined", "group_left"):
            member = (event["user_id"], event["group_id"])
            (set.add if kind.endswith("joined") else set.discard)(self.edges["group"], member)
        elif kind in ("user_blocked", "user_unblocked"):
            block = (event["user_id"], event["blocked_id"])
            (set.add if kind == "user_blocked" else set.discard)(self.edges["block"], block)

    def broken(self, viewer: int, post_id: int) -> str | None:
        """The rule that forbids ``viewer`` the post, or None."""
        post = self.posts.get(post_id)
        if post is None:
            return "unknown"
        author, privacy, audience = post["author_id"], post["privacy"], post.get("audience") or []
        if post_id in self.deleted:
            return "deleted"
        if (viewer, author) in self.edges["block"] or (author, viewer) in self.edges["block"]:
            return "blocked"
        if post["source_type"] == "group" and (viewer, post["source_id"]) not in self.edges["group"]:
            return "not a member"
        is_friend = (viewer, author) in self.edges["friend"]
        allowed = {
            "public": True,
            "friends": is_friend,
            "friends_except": is_friend and viewer not in audience,
            "custom": viewer in audience,
            "only_me": viewer == author,
        }[privacy]
        return None if allowed or viewer == author else privacy


def replay(landing: str, as_of: str) -> Rules:
    events = []
    seen: set[str] = set()
    for path in sorted(Path(landing).glob("????-??-??/*.jsonl")):
        for line in path.read_text().splitlines():
            try:
                event = json.loads(line)
                happened, received = (datetime.fromisoformat(event[k]) for k in ("event_time", "received_at"))
            except (json.JSONDecodeError, KeyError, TypeError, ValueError):
                continue
            if event["event_id"] in seen or happened > received + timedelta(minutes=5) or event["received_at"] >= as_of:
                continue
            seen.add(event["event_id"])
            events.append(event)
    rules = Rules()
    for event in sorted(events, key=lambda e: (e["event_time"], e["event_id"])):
        rules.apply(event)
    return rules


def test_never_private(published: Night, feed: Reader) -> None:
    rules = replay(published.landing, published.as_of.strftime("%Y-%m-%dT%H:%M:%S"))
    users = [row.user_id for row in published.read("silver.users").select("user_id").distinct().collect()]
    served, privacies, broken = 0, Counter[str](), []
    with httpx.Client(timeout=10) as client:
        for user in users:
            posts, _ = feed.whole_feed(user, client)
            for post in posts:
                rule = rules.broken(user, int(post["id"]))
                served += 1
                privacies[rules.posts[int(post["id"])]["privacy"]] += 1
                if rule:
                    broken.append((user, post["id"], rule))
    print(f"{len(users)} users, {served:,} served posts, {len(broken)} that their viewer may not see")
    print(f"by privacy: {dict(privacies)}")
    assert served > 10 * len(users)
    assert privacies["friends"] > 0
    assert broken == []
