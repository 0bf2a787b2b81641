"""A network in which popular posts are edited and deleted between their impressions, with some late events."""

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from tests.landed import Event, land, landed_events, moment
from tests.written_posts import deletion, edit

NUM_EDITED, NUM_DELETED = 16, 8
LATE = timedelta(hours=3)
REWRITTEN = (
    {"text": "Something else altogether", "hashtags": ["travel", "food", "x"], "content_type": "video"},
    {"text": "wir gehen zum Hafen!", "hashtags": [], "content_type": "link", "location": "Recife", "mentions": []},
)


def edit_posts(landing: Path, last: date) -> None:
    """Land edits and deletions of the posts with the most impressions.

    Posts are edited when half of their impressions are over, the edit of every other one is received ``LATE``; some
    read again as before when three quarters are over. Others are deleted after their last impression.
    """
    end = datetime.combine(last, datetime.min.time(), UTC)
    told: dict[int, Event] = {}
    shown: dict[int, list[datetime]] = defaultdict(list)
    changed: set[int] = set()
    for found in landed_events(landing):
        if found["event_type"] == "impression" and moment(found["event_time"]) < end:
            shown[found["post_id"]].append(moment(found["event_time"]))
        elif found["event_type"] == "post_created":
            told[found["post_id"]] = {name: value for name, value in found.items() if name != "folder"}
        elif found["event_type"] in ("post_updated", "post_deleted"):
            changed.add(found["post_id"])
    often = sorted(shown.keys() & told.keys() - changed, key=lambda post_id: (-len(shown[post_id]), post_id))
    days: dict[date, list[Event]] = defaultdict(list)

    def tell(told_event: Event) -> None:
        days[moment(told_event["received_at"]).date()].append(told_event)

    for number, post_id in enumerate(often[:NUM_EDITED]):
        views, created = sorted(shown[post_id]), told[post_id]
        at = views[len(views) // 2]
        received = at + (LATE if number % 2 else timedelta(seconds=1))
        tell(edit(created, f"rewritten-{post_id}", _iso(at), _iso(received), **REWRITTEN[number // 2 % 2]))
        if number % 4 == 0:
            back = views[3 * len(views) // 4] + timedelta(milliseconds=1)
            tell(edit(created, f"as-before-{post_id}", _iso(back), _iso(back + timedelta(seconds=1))))
    for number, post_id in enumerate(often[NUM_EDITED : NUM_EDITED + NUM_DELETED]):
        at = max(shown[post_id]) + timedelta(hours=1)
        tell(
            deletion(post_id, f"deleted-{post_id}", _iso(at), _iso(at + (LATE if number % 2 else timedelta(seconds=1))))
        )
    for day, events in days.items():
        land(landing, day, events, "rewritten.jsonl")


def _iso(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
