"""The reader's metrics, for Prometheus."""

from prometheus_client import Counter, Gauge, Histogram

from serving.http.metrics import LATENCY_BUCKETS_S, HttpMetrics
from serving.reader.breaker import CircuitBreaker

FEED_PATH = "/api/v1/feed"
_BREAKER_CODES = {"closed": 0, "half_open": 1, "open": 2}


class ReaderMetrics(HttpMetrics):
    """One reader's metrics."""

    def __init__(self) -> None:
        super().__init__()
        self.latency = Histogram(
            "feedlake_feed_latency_seconds",
            "Time from request to answer, by the level that answered",
            ["served_from"],
            buckets=LATENCY_BUCKETS_S,
            registry=self.registry,
        )
        self.suppressed = Counter(
            "feedlake_suppressed_items_total",
            "Posts withheld at read time, by kind",
            ["kind"],
            registry=self.registry,
        )
        self.cards = Counter(
            "feedlake_cards_total",
            "Post cards by outcome: hit, miss, absent, damaged",
            ["outcome"],
            registry=self.registry,
        )
        self.damaged_values = Counter(
            "feedlake_damaged_values_total",
            "Values from Redis that were refused, by kind",
            ["kind"],
            registry=self.registry,
        )
        self.fresh_posts = Counter(
            "feedlake_fresh_posts_total", "Posts served that were made since the night", registry=self.registry
        )
        self.fresh_age = Gauge(
            "feedlake_fresh_pass_age_seconds",
            "Time since the newest pass of fresh read the landing area",
            registry=self.registry,
        )
        self.refresh_failures = Counter(
            "feedlake_refresh_failures_total", "Background refreshes that kept the old snapshot", registry=self.registry
        )
        self.page_records = Counter(
            "feedlake_page_records_total",
            "Pages of the sample by outcome of their record: written, full, failed",
            ["outcome"],
            registry=self.registry,
        )
        self.epoch = Gauge("feedlake_epoch", "Epoch that is being served", registry=self.registry)
        self.staleness = Gauge(
            "feedlake_staleness_seconds", "Age of the ranking in the latest answer", registry=self.registry
        )
        self.pointer_age = Gauge(
            "feedlake_pointer_age_seconds", "Time since the pointer was last read", registry=self.registry
        )
        self.card_bytes = Gauge("feedlake_card_cache_bytes", "Bytes of cached post cards", registry=self.registry)
        self.breaker = Gauge(
            "feedlake_breaker_state",
            "0 closed, 1 half open, 2 open",
            ["dependency"],
            registry=self.registry,
        )

    def watch(self, breaker: CircuitBreaker) -> None:
        """Report the state of ``breaker`` at every scrape."""
        self.breaker.labels("redis").set_function(lambda: _BREAKER_CODES[breaker.state])

    def observe(self, path: str, served_from: str | None, took_s: float) -> None:
        """Feeds have a latency, by the level that answered."""
        if path == FEED_PATH:
            self.latency.labels(served_from or "none").observe(took_s)
