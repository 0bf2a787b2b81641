"""A Redis whose client asks again soon after the server was killed."""

import redis
from redis.backoff import ConstantBackoff
from redis.retry import Retry

from tests.serving.reader_world import RedisServer

_PAUSE_S, _RETRIES = 0.05, 60


def start_redis(*options: str) -> RedisServer:
    server = RedisServer(*options)
    server.client = redis.Redis(port=server.port, retry=Retry(ConstantBackoff(_PAUSE_S), _RETRIES))
    return server
