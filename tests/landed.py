"""Landing files and bronze rows for tests: events as a producer writes them."""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame, SparkSession

from spark_jobs.night.ddl import read_schema
from tests.local_frames import local_frame

DS = date(2026, 3, 8)
NOON = "2026-03-08T12:00:00Z"

Event = dict[str, Any]


def event(event_type: str, event_id: str, at: str = NOON, received: str | None = None, **fields: Any) -> Event:
    envelope = {"event_id": event_id, "event_type": event_type, "event_time": at, "received_at": received or at}
    return {**envelope, **fields}


def user(user_id: int, event_id: str | None = None, at: str = NOON, **fields: Any) -> Event:
    known = {"user_id": user_id, "name": f"User {user_id}", "signup_at": "2026-01-01T00:00:00Z"}
    return event("user_upserted", event_id or f"user-{user_id}", at, **{**known, **fields})


def post(
    post_id: int,
    author_id: int | None,
    event_id: str | None = None,
    at: str = NOON,
    received: str | None = None,
    **fields: Any,
) -> Event:
    known = {
        "post_id": post_id,
        "author_id": author_id,
        "source_type": "friend",
        "source_id": author_id,
        "content_type": "status",
        "text": "Hello",
        "privacy": "public",
        "created_at": at,
    }
    return event("post_created", event_id or f"post-{post_id}", at, received, **{**known, **fields})


def impression(event_id: str, user_id: int, post_id: int, at: str = NOON, **fields: Any) -> Event:
    known = {"request_id": "r", "position": 1, "session_id": "s", "device": "phone"}
    return event("impression", event_id, at, **{"user_id": user_id, "post_id": post_id, **known, **fields})


def engagement(event_id: str, user_id: int, post_id: int, at: str = NOON, **fields: Any) -> Event:
    known = {"user_id": user_id, "post_id": post_id, "engagement_type": "like"}
    return event("engagement", event_id, at, **{**known, **fields})


def campaign(campaign_id: int, advertiser_id: int, event_id: str | None = None, at: str = NOON, **fields: Any) -> Event:
    known = {
        "campaign_id": campaign_id,
        "advertiser_id": advertiser_id,
        "name": "Spring",
        "budget": 10,
        "starts_at": at,
    }
    return event("campaign_upserted", event_id or f"campaign-{campaign_id}", at, **{**known, **fields})


def ad(ad_id: int, campaign_id: int, post_id: int, event_id: str | None = None, at: str = NOON, **fields: Any) -> Event:
    known = {"ad_id": ad_id, "campaign_id": campaign_id, "post_id": post_id, "bid": 0.5}
    return event("ad_upserted", event_id or f"ad-{ad_id}", at, **{**known, **fields})


def session(session_id: str, user_id: int, event_id: str | None = None, at: str = NOON, **fields: Any) -> Event:
    known = {"session_id": session_id, "user_id": user_id, "device": "phone", "started_at": at, "ended_at": at}
    return event("session", event_id or f"session-{session_id}", at, **{**known, **fields})


def label(event_id: str, post_id: int, labeller_id: str, at: str = NOON, **fields: Any) -> Event:
    known = {"post_id": post_id, "labeller_id": labeller_id, "labeller_type": "human", "label": "nsfw", "value": True}
    return event("content_labelled", event_id, at, **{**known, **fields})


def land(landing: str | Path, day: date, lines: Sequence[Event | str], name: str = "events.jsonl") -> Path:
    """Write a landing file; an event becomes its JSON, a string stands as it is."""
    folder = Path(landing) / day.isoformat()
    folder.mkdir(parents=True, exist_ok=True)
    text = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
    (folder / name).write_text(text + "\n")
    return folder / name


def batch_of(lines: Sequence[str | bytes], day: date = DS) -> pa.RecordBatch:
    """``lines`` as ``line_rules.judge`` takes them."""
    raw = pa.array([line.encode() if isinstance(line, str) else line for line in lines], pa.binary())
    text = pc.cast(raw, options=pc.CastOptions(pa.string(), allow_invalid_utf8=True))
    return pa.record_batch([text, pa.array([day] * len(lines), pa.date32())], names=["raw", "landing_date"])


def as_read(spark: SparkSession, lines: Sequence[str], day: date = DS) -> DataFrame:
    """``lines`` of one file, counted from 0, as ``read_lines`` gives them."""
    rows = [(f"{day}/a.jsonl", at, line, day) for at, line in enumerate(lines)]
    return spark.createDataFrame(rows, "source string, line bigint, raw string, landing_date date")


def landed_events(landing: Path) -> Iterator[Event]:
    """Well-formed events of all days of a landing area, each once, with the ``folder`` they landed in."""
    seen: set[str] = set()
    for path in sorted(landing.glob("????-??-??/*.jsonl")):
        for line in path.read_text().splitlines():
            found = json.loads(line) if line.endswith("}") else {"event_id": None}
            if found["event_id"] is not None and found["event_id"] not in seen:
                seen.add(found["event_id"])
                yield found | {"folder": path.parent.name}


def bronze_rows(
    spark: SparkSession, events: Sequence[Event], day: date = DS, source: str = "a.jsonl", batch: int = 1
) -> DataFrame:
    """Rows of bronze.events for valid events, all brought by one read of the landing area."""
    rows = [
        (
            row["event_id"],
            row["event_type"],
            moment(row["event_time"]),
            moment(row["received_at"]),
            f"{day}/{source}",
            number,
            json.dumps(row),
            day,
            batch,
        )
        for number, row in enumerate(events, start=1)
    ]
    return local_frame(spark, read_schema("bronze.events"), rows)


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def naive(text: str) -> datetime:
    """The instant as a collected row shows it: UTC without a zone."""
    return moment(text).astimezone(UTC).replace(tzinfo=None)
