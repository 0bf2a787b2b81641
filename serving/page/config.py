"""Configuration of a reader's page: its settings, the Redis of feeds, and the collector."""

from dataclasses import dataclass, field

from contracts.settings import PageRules


@dataclass(frozen=True)
class PageConfig(PageRules):
    """The page's settings; ``collector_url`` is None without a collector."""

    redis_url: str = field(kw_only=True)
    collector_url: str | None = field(default=None, kw_only=True)
