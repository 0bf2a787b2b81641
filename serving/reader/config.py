"""Configuration of a reader process: its settings, its Redis, and where it records pages."""

from dataclasses import dataclass, field
from pathlib import Path

from contracts.settings import ReaderRules


@dataclass(frozen=True)
class ReaderConfig(ReaderRules):
    """The settings of one reader process, the Redis that it reads, and the folder of its page records, if any."""

    redis_url: str = field(kw_only=True)
    records: Path | None = field(default=None, kw_only=True)
