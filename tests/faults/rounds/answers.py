"""Answers of a reader as the pollers note them: one JSON line each, written by one process and read by another."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Answer:
    """One answer; times are those of ``time.monotonic``, which all processes of a machine share.

    ``status`` is 0 where there was none. ``contents`` are the numbers that the cards of its posts name. ``before`` are
    the posts of the page before; None for a first page.
    """

    user: int
    count: int
    sent_at: float
    answered_at: float
    status: int
    epoch: int = 0
    level: str = ""
    posts: tuple[int, ...] = ()
    contents: tuple[int, ...] = ()
    before: tuple[int, ...] | None = None
    detail: str = ""

    @property
    def took_ms(self) -> float:
        return 1000 * (self.answered_at - self.sent_at)

    def line(self) -> str:
        return json.dumps(asdict(self), separators=(",", ":")) + "\n"

    @classmethod
    def parse(cls, line: bytes) -> "Answer":
        fields: dict[str, Any] = json.loads(line)
        before = fields.pop("before")
        lists: dict[str, Any] = {name: tuple(fields.pop(name)) for name in ("posts", "contents")}
        return cls(**fields, **lists, before=None if before is None else tuple(before))


class AnswerLog:
    """A file to which a poller appends; ``new`` are the answers since the last call."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._offset = 0

    def new(self) -> list[Answer]:
        return list(self._new())

    def _new(self) -> Iterator[Answer]:
        if not self.path.exists():
            return
        with self.path.open("rb") as opened:
            opened.seek(self._offset)
            for line in opened:
                if not line.endswith(b"\n"):
                    return  # it is being written
                self._offset += len(line)
                yield Answer.parse(line)
