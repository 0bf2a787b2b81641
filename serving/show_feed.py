"""Fetch one user's feed over HTTP, as that user, and print it to be read by a person."""

import argparse
import sys
import textwrap
import time
import unicodedata
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from contracts.settings.serving import PRODUCTION_AUDIENCE
from serving.http.secret import load_secret
from serving.http.tokens import mint_token

_WIDTH = 96
_MAX_LINES = 4
_INDENT = "     "
_OBEYED = frozenset({"Cc", "Cs", "Zl", "Zp"})  # control characters, lone surrogates, line and paragraph separators
_TURNS = frozenset(map(chr, (0x200E, 0x200F, 0x061C, *range(0x202A, 0x202F), *range(0x2066, 0x206A))))
"""Characters that turn the direction of what follows, a line that is not theirs included."""
_UNITS = (("d", 86_400), ("h", 3_600), ("min", 60))


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a feed; returns the exit status: 0, 1 when the reader refuses, 2 when it cannot be asked."""
    parser = argparse.ArgumentParser(prog="python -m serving.show_feed", description=__doc__)
    parser.add_argument("--url", default="http://127.0.0.1:8080", help="the reader (default %(default)s)")
    parser.add_argument("--user", type=int, required=True, help="user id")
    parser.add_argument("--count", type=int, default=10, help="posts, 1 to 50 (default %(default)s)")
    parser.add_argument("--filter", default="all", choices=("all", "friends", "pages", "groups", "chronological"))
    parser.add_argument("--secret-file", type=Path, help="file with the JWT secret (default: see docs/serving.md)")
    parser.add_argument("--audience", default=PRODUCTION_AUDIENCE, help="whom the token is for (default %(default)s)")
    options = parser.parse_args(arguments)
    try:
        token = mint_token(options.user, load_secret(secret_file=options.secret_file), options.audience, lifetime_s=60)
        answer = httpx.get(
            f"{options.url.rstrip('/')}/api/v1/feed",
            params={"count": options.count, "filter": options.filter},
            headers={"Authorization": f"Bearer {token}"},
            timeout=5.0,
        )
    except (OSError, ValueError, httpx.HTTPError) as error:
        print(f"serving.show_feed: {error}", file=sys.stderr)
        return 2
    if answer.is_error:
        print(f"serving.show_feed: {answer.status_code} {printable(answer.text)}", file=sys.stderr)
        return 1
    print(describe_feed(answer.json(), options.user, time.time()))
    return 0


def describe_feed(feed: dict[str, Any], user_id: int, now: float) -> str:
    """The feed as text; ages are relative to when the ranking was made, which is ``staleness_s`` before ``now``."""
    metadata = feed["metadata"]
    ranked_at = now - metadata["staleness_s"]
    lines = [f"Feed of user {user_id}: {len(feed['posts'])} posts", ""]
    for rank, post in enumerate(feed["posts"], 1):
        lines += [*_describe_post(rank, post, ranked_at), ""]
    more = "more follow" if feed["has_more"] else "that is all"
    lines.append(
        f"epoch {metadata['epoch']} · served from {metadata['served_from']} · ranked {_ago(metadata['staleness_s'])}"
        f" · answered in {metadata['generation_time_ms']} ms · {metadata['ranking_version']} · {more}"
    )
    return "\n".join(map(printable, lines))


def printable(text: str) -> str:
    """``text`` on one line, with a mark for every character that a terminal would interpret instead of show."""
    return "".join(
        "\N{REPLACEMENT CHARACTER}" if unicodedata.category(letter) in _OBEYED or letter in _TURNS else letter
        for letter in text
    )


def _describe_post(rank: int, post: dict[str, Any], ranked_at: float) -> list[str]:
    content = post["content"]
    where = "" if post["source"]["type"] == "friend" else f" in {post['source']['name']}"
    author = post["author"]["name"] if post["author"] else "author unknown"
    age = _ago(ranked_at - datetime.fromisoformat(post["created_at"]).timestamp())
    score = "no score" if post["ranking_score"] is None else f"score {post['ranking_score']:.3g}"
    text = textwrap.wrap(content["text"], _WIDTH - len(_INDENT), max_lines=_MAX_LINES, placeholder=" …")
    return [
        f"{rank:3}. {author}{where} · {age} · {content['type']}",
        *(_INDENT + line for line in text),
        *(_INDENT + counts for counts in _describe_counts(post["stats"])),
        f"{_INDENT}{post['reason']} ({score})",
    ]


def _describe_counts(stats: dict[str, int] | None) -> list[str]:
    """A line, or none for an older post of an ad, whose engagements nobody counts."""
    if stats is None:
        return []
    return [f"{stats['likes']} likes · {stats['comments']} comments · {stats['shares']} shares"]


def _ago(seconds: float) -> str:
    for unit, length in _UNITS:
        if seconds >= length:
            return f"{int(seconds // length)} {unit} ago"
    return "just now"


if __name__ == "__main__":
    raise SystemExit(main())
