"""Errors as ``application/problem+json`` (RFC 9457)."""

from http import HTTPStatus
from typing import Any

from fastapi import Response
from pydantic import BaseModel


class Problem(BaseModel):
    """An error (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    request_id: str | None


PROBLEM_RESPONSE: dict[str, Any] = {"model": Problem, "content": {"application/problem+json": {}}}
"""How OpenAPI describes an error; a route adds the description."""


def problem(
    status: HTTPStatus, detail: str, request_id: str | None = None, headers: dict[str, str] | None = None
) -> Response:
    """An error as ``application/problem+json``."""
    body = Problem(type="about:blank", title=status.phrase, status=status, detail=detail, request_id=request_id)
    return as_response(body, headers)


def as_response(body: Problem, headers: dict[str, str] | None = None) -> Response:
    """The answer with a problem, or a problem with more members."""
    return Response(body.model_dump_json(), body.status, headers, media_type="application/problem+json")
