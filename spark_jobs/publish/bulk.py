"""SET and GET many keys by commands that are written here as bytes.

A client builds each command by itself, which takes longer than Redis needs to carry it out. A night has millions of
commands that differ in key and value only, so these are written from one template (RESP, Redis serialization protocol).
Connections, their time limits and their retries are the client's.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import redis

_GET = b"*2\r\n$3\r\nGET\r\n$%d\r\n%b\r\n"
_SET = b"*3\r\n$3\r\nSET\r\n"
_SET_AND_EXPIRE = b"*5\r\n$3\r\nSET\r\n"


def set_all(client: "redis.Redis", keys: Sequence[bytes], values: Sequence[bytes], ttl_s: int | None) -> None:
    """SET every key in one write; ``ttl_s`` is in seconds, with None the keys never expire.

    Raises the error of the first command that Redis refuses. Keys before it are written then, those after it may be.
    """
    _ask(client, _set_commands(keys, values, ttl_s), len(keys))


def get_all(client: "redis.Redis", keys: Sequence[bytes]) -> list[bytes | None]:
    """The value of each key, None where there is none, by one write."""
    return _ask(client, b"".join([_GET % (len(key), key) for key in keys]), len(keys))


def _set_commands(keys: Sequence[bytes], values: Sequence[bytes], ttl_s: int | None) -> bytes:
    begin, end = _SET, b"\r\n"
    if ttl_s is not None:
        digits = b"%d" % ttl_s
        begin, end = _SET_AND_EXPIRE, b"\r\n$2\r\nEX\r\n$%d\r\n%b\r\n" % (len(digits), digits)
    command = begin + b"$%d\r\n%b\r\n$%d\r\n%b" + end
    return b"".join(
        [command % (len(key), key, len(value), value) for key, value in zip(keys, values, strict=True)]
    )


def _ask(client: "redis.Redis", commands: bytes, num_replies: int) -> list[Any]:
    """The replies to commands that may be sent twice, because a lost connection is tried again."""
    if not num_replies:
        return []
    pool = client.connection_pool
    connection: Any = pool.get_connection()

    def ask() -> list[Any]:
        connection.send_packed_command([commands])
        return [connection.read_response() for _ in range(num_replies)]

    try:
        return list(connection.retry.call_with_retry(ask, lambda _: connection.disconnect()))
    except BaseException:
        connection.disconnect()  # replies that were not read must not answer the next question
        raise
    finally:
        pool.release(connection)
