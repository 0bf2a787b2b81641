"""Clients of the Redis that feeds are read from: one server, or a cluster (``redis+cluster://host:port,host:port``).

A URL of a cluster names some of its nodes; the client asks them for the others.
"""

from typing import Any, TypeAlias
from urllib.parse import urlsplit

import redis
import redis.asyncio
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import ExponentialBackoff, NoBackoff
from redis.driver_info import DriverInfo
from redis.retry import Retry

Client: TypeAlias = "redis.Redis | redis.RedisCluster"

FAILURES = (redis.RedisError, redis.exceptions.RedisClusterException, OSError)
"""What a client raises if a server does not answer or refuses."""
_CLUSTER = "+cluster"
_PORT = 6379
_RETRIES = 3


def is_cluster(url: str) -> bool:
    """Whether the URL names a cluster."""
    return url.partition("://")[0].endswith(_CLUSTER)


def new_retry(*more: type[Exception]) -> Retry:
    """Three retries, with growing pauses, of lost connections and silences, and of ``more`` errors."""
    retry = Retry(ExponentialBackoff(cap=1.0, base=0.05), _RETRIES)
    retry.update_supported_errors(list(more))
    return retry


def open_client(url: str, timeout_s: float) -> Client:
    """A client whose calls cannot hang: time limits and three retries."""
    words: dict[str, Any] = {
        "socket_timeout": timeout_s,
        "socket_connect_timeout": timeout_s,
        "retry": new_retry(),
    }
    if not is_cluster(url):
        return redis.Redis.from_url(url, **words)
    first, others = _nodes(url)
    nodes = [redis.cluster.ClusterNode(host, port) for host, port in others]  # type: ignore[no-untyped-call]
    return redis.RedisCluster.from_url(first, startup_nodes=nodes, **words)


def open_async_client(url: str, *, timeout_s: float, max_connections: int, queue_timeout_s: float) -> Any:
    """An asyncio client with bounded waits and no retries, of at most so many connections, to each node of a cluster.

    A command waits ``queue_timeout_s`` for a free connection; in a cluster it fails at once if there is none.
    """
    words: dict[str, Any] = {
        "max_connections": max_connections,
        "socket_connect_timeout": timeout_s,
        "socket_timeout": timeout_s,
        "retry": AsyncRetry(NoBackoff(), 0),
        "protocol": 2,
        "driver_info": DriverInfo(),  # else every new connection reads the package's version from disk
    }
    if not is_cluster(url):
        pool: Any = redis.asyncio.BlockingConnectionPool.from_url(url, timeout=queue_timeout_s, **words)
        return redis.asyncio.Redis.from_pool(pool)
    first, others = _nodes(url)
    nodes = [redis.asyncio.cluster.ClusterNode(host, port) for host, port in others]
    return redis.asyncio.RedisCluster.from_url(first, startup_nodes=nodes or None, **words)


def _nodes(url: str) -> tuple[str, list[tuple[str, int]]]:
    """A plain URL of the first node that is named, and the addresses of the others."""
    scheme, _, rest = url.partition("://")
    place = rest.partition("/")[0].partition("?")[0]
    credentials, at, hosts = place.rpartition("@")
    first, *others = hosts.split(",")
    tail = rest[len(place) :]
    addresses = [urlsplit(f"//{other}") for other in others]
    plain = f"{scheme.removesuffix(_CLUSTER)}://{credentials}{at}{first}{tail}"
    return plain, [(address.hostname or "", address.port or _PORT) for address in addresses]
