"""Configuration of a collector process: its settings, its Redis, and that of the reader."""

from dataclasses import dataclass, field

from contracts.settings import CollectorRules, PublishRules


@dataclass(frozen=True)
class CollectorConfig(CollectorRules):
    """The settings of one collector process.

    ``redis_url`` holds the stream; ``serving_redis_url`` is the one that feeds are read from, if there is one.
    ``late_days`` is that of the data set, ``key_ttl_s`` that of what a publish writes.
    """

    redis_url: str = field(kw_only=True)
    serving_redis_url: str | None = field(default=None, kw_only=True)
    late_days: int = field(default=3, kw_only=True)
    key_ttl_s: int = field(default=PublishRules.key_ttl_s, kw_only=True)
