"""Turn a CSV of interactions into a landing area; the worked example of docs/bring-your-own-data.md.

``python docs/examples/csv_to_landing.py interactions.csv LANDING``. The CSV has a header and the columns ``user``,
``item``, ``author``, ``action`` and ``time`` (ISO 8601), and may have ``title``. Standard library only, all in memory.
"""

import csv
import hashlib
import json
import sys
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

COLUMNS = ("user", "item", "author", "action", "time")
ACTIONS = {"like": "like", "upvote": "like", "comment": "comment", "share": "share", "click": "click", "hide": "hide"}
"""Your word for an action → ours; the words of ``engagement_type`` are in docs/landing.md."""

DATASET = {
    "name": "my-interactions",
    "has_impressions": False,  # nobody logged what was shown and left alone: see docs/negatives.md
    "training_days": 30,
    "holdout_days": 3,
    "calibration_days": 2,
    "candidate_hours": 30 * 24,
}


def read(table: Path) -> list[dict[str, str]]:
    """Rows in order of time; ends the program with file, line and problem of the first incomplete row."""
    with table.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        rows = []
        for row in reader:
            where = f"{table}:{reader.line_num}"
            if lacking := [name for name in COLUMNS if not row.get(name)]:
                sys.exit(f"{where}: no {', '.join(lacking)}; a row has {', '.join(COLUMNS)}, and may have title")
            if row["action"] not in ACTIONS:
                sys.exit(f"{where}: action {row['action']!r} is not one of {', '.join(ACTIONS)}; add it to ACTIONS")
            try:
                rows.append((moment(row["time"]), row))
            except ValueError:
                sys.exit(f"{where}: time {row['time']!r} is not ISO 8601, for example 2026-03-01T08:15:00Z")
    return [row for _, row in sorted(rows, key=lambda pair: pair[0])]


def moment(time: str) -> datetime:
    """An instant, in UTC if the text has no zone."""
    at = datetime.fromisoformat(time)
    return at.replace(tzinfo=at.tzinfo or UTC).astimezone(UTC)


def number(kind: str, name: str) -> int:
    """An id of 63 bits for a name, the same in every run."""
    return int.from_bytes(hashlib.sha256(f"{kind}:{name}".encode()).digest()[:8]) >> 1


def event(event_type: str, key: str, at: str, **fields: Any) -> dict[str, Any]:
    """An event; its id depends on its content, so a second export of the same rows is refused as duplicates."""
    return {"event_id": f"{event_type}:{key}", "event_type": event_type, "event_time": at, "received_at": at, **fields}


def person(name: str, at: str) -> dict[str, Any]:
    """A user, from the first moment at which the CSV names them."""
    return event("user_upserted", name, at, user_id=number("user", name), name=name, signup_at=at)


def events_of(rows: list[dict[str, str]]) -> Iterator[dict[str, Any]]:
    """The events of rows in order of time: each name is introduced before it is used."""
    known: set[tuple[str, str]] = set()

    def is_new(kind: str, name: str) -> bool:
        known_before = (kind, name) in known
        known.add((kind, name))
        return not known_before

    for row in rows:
        at, user, item, author = moment(row["time"]).isoformat(), row["user"], row["item"], row["author"]
        page = number("page", author)
        for name in (user, author):
            if is_new("user", name):
                yield person(name, at)
        if is_new("page", author):  # readers follow authors, so each author writes as a page
            yield event("page_upserted", author, at, page_id=page, owner_id=number("user", author), name=author)
        if is_new("item", item):
            text = row.get("title") or item
            content = {"content_type": "status", "text": text, "privacy": "public", "created_at": at}
            source = {"author_id": number("user", author), "source_type": "page", "source_id": page}
            yield event("post_created", item, at, post_id=number("item", item), **source, **content)
        who, what = number("user", user), number("item", item)
        name = f"{user}:{item}:{row['action']}:{at}"
        yield event("engagement", name, at, user_id=who, post_id=what, engagement_type=ACTIONS[row["action"]])
        if user != author and is_new("follow", f"{user}:{author}"):
            yield event("page_followed", f"{user}:{author}", at, user_id=who, page_id=page)


def main(table: Path, landing: Path) -> None:
    """Write one file per day of events, each renamed into place when it is whole, then ``dataset.json``."""
    rows = read(table)
    days = defaultdict(list)
    for line in events_of(rows):
        days[line["event_time"][:10]].append(json.dumps(line))
    for day, lines in days.items():
        (landing / day).mkdir(parents=True, exist_ok=True)
        building = landing / day / f"_{table.stem}.jsonl"
        building.write_text("\n".join(lines) + "\n", encoding="utf-8")
        building.rename(landing / day / f"{table.stem}.jsonl")
    (landing / "dataset.json").write_text(json.dumps(DATASET, indent=1) + "\n")
    print(f"{len(rows):,} rows became {sum(map(len, days.values())):,} events on {len(days)} days in {landing}")


if __name__ == "__main__":
    if len(sys.argv) != 3:  # noqa: PLR2004 - the script, the CSV, the folder
        sys.exit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2]))
