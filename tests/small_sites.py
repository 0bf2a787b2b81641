"""Two small sites and their logs: one without impressions, one with slates in no order.

Both count users, pages and posts from 1: the same id stands for a user, a page and a post. Clocks count minutes.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from contracts.pipeline import BY_NAME
from spark_jobs.night.night import Night
from spark_jobs.night.run import run_job
from tests.landed import Event, engagement, event, impression, land, post, user

DS = date(2026, 3, 8)
START = datetime(2026, 3, 1, tzinfo=UTC)
NUM_USERS = 100
NUM_PAGES = 5
NUM_POSTS = 240
KINDS = {"view": 0.5, "click": 0.15, "like": 0.18, "bookmark": 0.05, "comment": 0.08, "share": 0.04}


@dataclass(frozen=True)
class Item:
    """A post and the minute of its creation; every third has no author."""

    post_id: int
    at: datetime
    author_id: int | None
    page_id: int

    def event(self) -> Event:
        """The event of its creation: on a page, but for those of nobody that stand on no page either."""
        if self.author_id is None and self.post_id % 2:
            return post(self.post_id, None, at=text_of(self.at), source_id=None)
        return post(self.post_id, self.author_id, at=text_of(self.at), source_type="page", source_id=self.page_id)


def text_of(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def items(generator: np.random.Generator) -> list[Item]:
    """Posts of eight days, the last of them made on the day of the night."""
    minutes = np.sort(generator.integers(0, 8 * 1440 - 120, NUM_POSTS))
    return [
        Item(n, START + timedelta(minutes=int(at)), None if n % 3 == 0 else 1 + n % 7, 1 + n % NUM_PAGES)
        for n, at in enumerate(minutes, 1)
    ]


def people() -> Iterator[Event]:
    """Users, five pages, and who follows them."""
    begun = text_of(START)
    for number in range(1, NUM_USERS + 1):
        yield user(number, at=begun)
    for page in range(1, NUM_PAGES + 1):
        yield event("page_upserted", f"page-{page}", begun, page_id=page, owner_id=page, name=f"Page {page}")
        for number in range(page, NUM_USERS + 1, NUM_PAGES):
            yield event("page_followed", f"follow-{number}-{page}", begun, user_id=number, page_id=page)


def without_impressions(landing: Path) -> None:
    """Reads and reactions; the first of every post happen at the very minute of its creation, two come before it."""
    generator = np.random.default_rng(20)
    posts = items(generator)
    acts = []
    for item in posts:
        later = generator.integers(0, 2 * 1440, 12)
        for place, minutes in enumerate([0, 0, *later.tolist()]):
            kind = str(generator.choice(list(KINDS), p=list(KINDS.values())))
            name, reader = f"act-{item.post_id}-{place}", int(generator.integers(8, NUM_USERS + 1))
            at = item.at + timedelta(minutes=int(minutes))
            acts.append(engagement(name, reader, item.post_id, text_of(at), engagement_type=kind))
    early = [(posts[150], 90), (posts[151], 91)]
    acts += [
        engagement(f"early-{reader}", reader, item.post_id, text_of(item.at - timedelta(minutes=1)))
        for item, reader in early
    ]
    _land(landing, [*people(), *(item.event() for item in posts), *acts], has_impressions=False)


def without_positions(landing: Path) -> None:
    """Slates of eight posts in no order, without position, session and device; who likes what is up to both."""
    generator = np.random.default_rng(20)
    posts = items(generator)
    lines: list[Event] = [*people(), *(item.event() for item in posts)]
    for number in range(900):
        minute = int(generator.integers(1440, 8 * 1440 - 60))
        at = START + timedelta(minutes=minute)
        known = [item.post_id for item in posts if at - timedelta(days=2) < item.at < at]
        reader = int(generator.integers(8, NUM_USERS + 1))
        for place, post_id in enumerate(generator.choice(known, min(8, len(known)), replace=False).tolist()):
            name = f"shown-{number}-{place}"
            silent = dict.fromkeys(("position", "session_id", "device"))
            lines.append(impression(name, reader, post_id, text_of(at), request_id=f"r{number}", **silent))
            if generator.random() < (0.5 if (post_id + reader) % 5 == 0 else 0.1):
                after = text_of(at + timedelta(minutes=1))
                lines.append(engagement(f"like-{number}-{place}", reader, post_id, after))
    _land(landing, lines, has_impressions=True)


def _land(landing: Path, lines: Iterable[Event], *, has_impressions: bool) -> None:
    days: dict[date, list[Event]] = defaultdict(list)
    for line in lines:
        days[datetime.fromisoformat(line["received_at"]).date()].append(line)
    for day, of_day in days.items():
        if day <= DS:
            land(landing, day, of_day)
    dataset: dict[str, Any] = {"name": "small", "has_impressions": has_impressions}
    (landing / "dataset.json").write_text(json.dumps(dataset))


def build(night: Night, *tables: str) -> None:
    """Build some tables, in order, without their gates."""
    for name in tables:
        run_job(night, BY_NAME[name])


LANDED = (
    "bronze.events",
    "silver.users",
    "silver.pages",
    "silver.page_follows",
    "silver.post_edits",
    "silver.posts",
    "silver.impressions",
    "silver.engagements",
)
"""What both sites' logs become."""
