"""Metrics of every service, for Prometheus."""

from prometheus_client import CollectorRegistry, Counter

LATENCY_BUCKETS_S = (
    *(0.0002, 0.0004, 0.0006, 0.0008, 0.001, 0.0015, 0.002, 0.003, 0.005, 0.0075),
    *(0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0),
)


class HttpMetrics:
    """One service's metrics in a registry of its own, so that several services can live in one test process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "feedlake_requests_total", "Requests by route and status", ["path", "status"], registry=self.registry
        )

    def observe(self, path: str, served_from: str | None, took_s: float) -> None:
        """Record how long an answer took; a service with its own latency metric overrides this."""
