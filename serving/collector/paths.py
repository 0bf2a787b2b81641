"""The collector's routes, by path."""

import re
from typing import Literal

Action = Literal["like", "comment", "share", "hide", "report"]
"""Engagement types with a route of their own."""

EVENTS_PATH = "/api/v1/events"
POSTS_PATH = "/api/v1/posts"
ACTION_PATHS: dict[Action, str] = {
    "like": f"{POSTS_PATH}/{{post_id}}/like",
    "comment": f"{POSTS_PATH}/{{post_id}}/comments",
    "share": f"{POSTS_PATH}/{{post_id}}/share",
    "hide": f"{POSTS_PATH}/{{post_id}}/hide",
    "report": f"{POSTS_PATH}/{{post_id}}/report",
}
TAKEN_BACK_PATHS: dict[Action, str] = {"like": ACTION_PATHS["like"], "hide": ACTION_PATHS["hide"]}
"""Where a DELETE takes back what a POST did."""
POST_PATH = f"{POSTS_PATH}/{{post_id}}"
COMMENT_PATH = f"{ACTION_PATHS['comment']}/{{comment_id}}"
PUBLIC_PATHS = (EVENTS_PATH, POSTS_PATH, f"{POSTS_PATH}/")
_ACTION = re.compile(rf"{POSTS_PATH}/[^/]+/(?:like|comments|share|hide|report)")
_COMMENT = re.compile(rf"{POSTS_PATH}/[^/]+/comments/[^/]+")
_POST = re.compile(rf"{POSTS_PATH}/[^/]+")


def route_of(path: str) -> str | None:
    """The collector's route that a path belongs to; None if it belongs to no route."""
    if path in (EVENTS_PATH, POSTS_PATH):
        return path
    if _POST.fullmatch(path):
        return POST_PATH
    if _COMMENT.fullmatch(path):
        return COMMENT_PATH
    return f"{POSTS_PATH}/{{post_id}}/{path.rpartition('/')[2]}" if _ACTION.fullmatch(path) else None
