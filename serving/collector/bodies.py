"""Read bodies of requests, within bounds of size and time."""

import asyncio
from http import HTTPStatus

from fastapi import Request
from starlette.requests import ClientDisconnect

from serving.collector.config import CollectorConfig


class BodyError(Exception):
    """A body that is not read; the text says why."""

    def __init__(self, status: HTTPStatus, detail: str) -> None:
        super().__init__(detail)
        self.status = status


async def read_body(request: Request, config: CollectorConfig) -> bytes:
    """The whole body; raises ``BodyError`` if it is too large, too slow or incomplete."""
    too_large = BodyError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the body has more than {config.body_bytes:,} bytes")
    announced = request.headers.get("content-length", "0")
    if not announced.isdecimal() or int(announced[:20]) > config.body_bytes:
        raise too_large
    chunks, size = [], 0
    try:
        async with asyncio.timeout(config.body_timeout_s):
            async for chunk in request.stream():
                size += len(chunk)
                if size > config.body_bytes:
                    raise too_large
                chunks.append(chunk)
    except TimeoutError:
        detail = f"the body did not come within {config.body_timeout_s:g} s"
        raise BodyError(HTTPStatus.REQUEST_TIMEOUT, detail) from None
    except ClientDisconnect:
        raise BodyError(HTTPStatus.BAD_REQUEST, "the body ended early") from None
    return b"".join(chunks)


def lines_of(body: bytes, most: int) -> list[bytes]:
    """The lines of a batch, without blank ones; raises ``BodyError`` if there are none or too many."""
    lines = [line for line in body.split(b"\n") if line.strip(b" \t\r")]
    if not lines:
        raise BodyError(HTTPStatus.BAD_REQUEST, "the body has no event: one JSON object a line")
    if len(lines) > most:
        raise BodyError(HTTPStatus.BAD_REQUEST, f"the batch has {len(lines):,} events, at most {most:,} are taken")
    return lines
