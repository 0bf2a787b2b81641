"""The tests of the passes use the Redis of the services' tests, in a process of their own."""

from tests.serving.conftest import redis_process, redis_server

__all__ = ["redis_process", "redis_server"]
