"""The collector's metrics, for Prometheus."""

from prometheus_client import Counter, Histogram

from serving.http.metrics import LATENCY_BUCKETS_S, HttpMetrics


class CollectorMetrics(HttpMetrics):
    """One collector's metrics."""

    def __init__(self) -> None:
        super().__init__()
        self.latency = Histogram(
            "feedlake_collect_latency_seconds",
            "Time from request to answer, by route",
            ["path"],
            buckets=LATENCY_BUCKETS_S,
            registry=self.registry,
        )
        self.events = Counter(
            "feedlake_collected_events_total",
            "Events by outcome: new, repeated",
            ["outcome"],
            registry=self.registry,
        )
        self.refused = Counter(
            "feedlake_refused_events_total", "Events refused, by reason", ["reason"], registry=self.registry
        )
        self.unavailable = Counter(
            "feedlake_unavailable_total",
            "Calls of Redis that failed: stream, serving",
            ["dependency"],
            registry=self.registry,
        )

    def observe(self, path: str, served_from: str | None, took_s: float) -> None:
        """The collector's own routes have a latency."""
        del served_from
        if path.startswith("/api/"):
            self.latency.labels(path).observe(took_s)
