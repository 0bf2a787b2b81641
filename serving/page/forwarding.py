"""Forward actions on the page to the collector, so that the browser talks to one origin only."""

from http import HTTPStatus
from typing import Any

import httpx
from fastapi import Request, Response

from serving.http.problems import problem
from serving.page.config import PageConfig

_MOST_BYTES = 64 * 2**10
_PASSED_ON = ("authorization", "idempotency-key")
_AWAY = "the collector does not answer: start it with `make collector`, then try again"


class Collector:
    """The collector behind the page, if there is one; it authenticates by the user's own token."""

    def __init__(self, config: PageConfig) -> None:
        self.is_configured = config.collector_url is not None
        # Addresses of proxies in the environment are for other hosts than this one.
        self._http = httpx.AsyncClient(
            base_url=config.collector_url or "", timeout=config.collector_timeout_s, trust_env=False
        )

    async def close(self) -> None:
        """Close every connection."""
        await self._http.aclose()

    async def is_ready(self) -> bool:
        """Whether it takes events now."""
        if not self.is_configured:
            return False
        try:
            return (await self._http.get("/readyz")).status_code == HTTPStatus.OK
        except httpx.HTTPError:
            return False

    async def forward(self, request: Request, path: str) -> Response:
        """The collector's answer to the request's body and token; a problem where there is none."""
        request_id = request.state.request_id
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > _MOST_BYTES:
                detail = f"the body has more than {_MOST_BYTES:,} bytes"
                return problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail, request_id, {"Connection": "close"})
        if not self.is_configured:
            return problem(HTTPStatus.SERVICE_UNAVAILABLE, _AWAY, request_id)
        headers = {name: request.headers[name] for name in _PASSED_ON if name in request.headers}
        try:
            answer = await self._http.request(request.method, path, content=bytes(body), headers=headers)
        except httpx.HTTPError:
            return problem(HTTPStatus.SERVICE_UNAVAILABLE, _AWAY, request_id)
        kept: dict[str, Any] = {"Cache-Control": "no-store"}
        kept |= {"Retry-After": answer.headers["retry-after"]} if "retry-after" in answer.headers else {}
        return Response(answer.content, answer.status_code, kept, media_type=answer.headers.get("content-type"))
