"""SET and GET many keys, and change many sets, by commands that are written here as bytes.

A client builds each command by itself, which takes longer than Redis needs to carry it out. A night has millions of
commands that differ in key and value only, so these are written from one template (RESP, Redis serialization protocol).
Connections, their time limits and their retries are the client's.
"""

from collections.abc import Sequence
from typing import Any, Literal

import redis
from redis.exceptions import ClusterDownError, MovedError, TryAgainError

from storage.redis_clients import Client, new_retry

_GET = b"*2\r\n$3\r\nGET\r\n$%d\r\n%b\r\n"
_SET = b"*3\r\n$3\r\nSET\r\n"
_SET_AND_EXPIRE = b"*5\r\n$3\r\nSET\r\n"


def set_all(client: Client, keys: Sequence[bytes], values: Sequence[bytes], ttl_s: int | None) -> None:
    """SET every key in one write; ``ttl_s`` is in seconds, with None the keys never expire.

    Raises the error of the first command that Redis refuses. Keys before it are written then, those after it may be.
    """
    _ask(client, keys, _set_commands(keys, values, ttl_s))


def get_all(client: Client, keys: Sequence[bytes]) -> list[bytes | None]:
    """The value of each key, None where there is none, by one write."""
    return _ask(client, keys, [_GET % (len(key), key) for key in keys])


def change_sets(
    client: Client, command: Literal["SADD", "SREM"], sets: Sequence[tuple[bytes, Sequence[int]]]
) -> list[int]:
    """Add or remove members of sets, given as keys and ids, in one write; returns how many changed each set."""
    keys = [key for key, _ in sets]
    return _ask(client, keys, [_change_command(command.encode(), key, members) for key, members in sets])


def _change_command(command: bytes, key: bytes, members: Sequence[int]) -> bytes:
    head = b"*%d\r\n$%d\r\n%b\r\n$%d\r\n%b\r\n" % (2 + len(members), len(command), command, len(key), key)
    digits = [b"%d" % member for member in members]
    return head + b"".join([b"$%d\r\n%b\r\n" % (len(each), each) for each in digits])


def _set_commands(keys: Sequence[bytes], values: Sequence[bytes], ttl_s: int | None) -> list[bytes]:
    begin, end = _SET, b"\r\n"
    if ttl_s is not None:
        digits = b"%d" % ttl_s
        begin, end = _SET_AND_EXPIRE, b"\r\n$2\r\nEX\r\n$%d\r\n%b\r\n" % (len(digits), digits)
    command = begin + b"$%d\r\n%b\r\n$%d\r\n%b" + end
    return [command % (len(key), key, len(value), value) for key, value in zip(keys, values, strict=True)]


def _ask(client: Client, keys: Sequence[bytes], commands: Sequence[bytes]) -> list[Any]:
    """The replies to commands, one for each key, that may be sent twice: a lost connection is tried again."""
    if not isinstance(client, redis.RedisCluster):
        return _ask_server(client, commands)
    retry = new_retry(MovedError, TryAgainError, ClusterDownError)
    return list(
        retry.call_with_retry(lambda: _ask_nodes(client, keys, commands), lambda _: client.nodes_manager.initialize())
    )


def _ask_nodes(client: "redis.RedisCluster", keys: Sequence[bytes], commands: Sequence[bytes]) -> list[Any]:
    places: dict[Any, list[int]] = {}
    for place, key in enumerate(keys):
        node = client.get_node_from_key(key)  # type: ignore[no-untyped-call]
        places.setdefault(node, []).append(place)
    replies: list[Any] = [None] * len(keys)
    for node, of_node in places.items():
        answers = _ask_server(node.redis_connection, [commands[place] for place in of_node])
        for place, answer in zip(of_node, answers, strict=True):
            replies[place] = answer
    return replies


def _ask_server(client: "redis.Redis", commands: Sequence[bytes]) -> list[Any]:
    if not commands:
        return []
    pool = client.connection_pool
    connection: Any = pool.get_connection()

    def ask() -> list[Any]:
        connection.send_packed_command([b"".join(commands)])
        return [connection.read_response() for _ in commands]

    try:
        return list(connection.retry.call_with_retry(ask, lambda _: connection.disconnect()))
    except BaseException:
        connection.disconnect()  # replies that were not read must not answer the next question
        raise
    finally:
        pool.release(connection)
