"""Configuration of a reader process: its settings and its Redis."""

from dataclasses import dataclass, field

from contracts.settings import ReaderRules


@dataclass(frozen=True)
class ReaderConfig(ReaderRules):
    """The settings of one reader process, and the Redis that it reads."""

    redis_url: str = field(kw_only=True)
