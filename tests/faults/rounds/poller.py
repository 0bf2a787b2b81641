"""Ask one reader for the feeds of all users, over and over, in a process of its own, and note every answer."""

import http.client
import json
import threading
import time
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlencode, urlsplit

from serving.http.tokens import mint_token
from tests.faults.rounds.answers import Answer
from tests.faults.rounds.content import STRANGERS, USERS
from tests.nights import SECRET

THREADS = 3
PAUSE_S = 0.04
PATIENCE_S = 10.0
_DAY_S = 86_400
_PAGE, _WHOLE = 10, 50
_SHARE_OF_WALKS = 0.25


class Poller:
    """One thread's requests: whole pools in one page, and now and then two pages by cursor."""

    def __init__(self, url: str, log: Any, random: Random) -> None:
        self._address = urlsplit(url).netloc
        self._log, self._random = log, random
        self._connection = http.client.HTTPConnection(self._address, timeout=PATIENCE_S)
        self._tokens = {user: mint_token(user, SECRET.encode(), lifetime_s=_DAY_S) for user in (*USERS, *STRANGERS)}

    def run(self) -> None:
        """Ask without end; the process is killed."""
        while True:
            user = self._random.choice(list(self._tokens))
            if self._random.random() < _SHARE_OF_WALKS:
                self._walk(user)
            else:
                self._ask(user, _WHOLE)
            time.sleep(PAUSE_S * 2 * self._random.random())

    def _walk(self, user: int) -> None:
        answer, cursor = self._ask(user, _PAGE)
        if cursor is not None:
            time.sleep(PAUSE_S * self._random.random())
            self._ask(user, _PAGE, cursor, answer.posts)

    def _ask(
        self, user: int, count: int, cursor: str | None = None, before: tuple[int, ...] | None = None
    ) -> tuple[Answer, str | None]:
        query = urlencode({"count": count} | ({} if cursor is None else {"cursor": cursor}))
        headers = {"Authorization": f"Bearer {self._tokens[user]}"}
        sent_at, following = time.monotonic(), None
        found: dict[str, Any]
        try:
            self._connection.request("GET", f"/api/v1/feed?{query}", headers=headers)
            response = self._connection.getresponse()
            body = response.read()
            answered_at = time.monotonic()
            found = {"status": response.status, **_told(response.status, json.loads(body))}
            following = found.pop("following")
        except (OSError, http.client.HTTPException, ValueError, KeyError) as error:
            answered_at = time.monotonic()
            self._connection.close()
            found = {"status": 0, "detail": f"{type(error).__name__}: {error}"}
        answer = Answer(user, count, sent_at, answered_at, before=before, **found)
        self._log.write(answer.line().encode())
        return answer, following


def _told(status: int, body: dict[str, Any]) -> dict[str, Any]:
    """The fields of an ``Answer``, and the cursor of the page that follows."""
    if status != http.HTTPStatus.OK:
        return {"detail": str(body.get("detail")), "following": None}
    posts = body["posts"]
    return {
        "epoch": body["metadata"]["epoch"],
        "level": body["metadata"]["served_from"],
        "posts": tuple(int(post["id"]) for post in posts),
        "contents": tuple(sorted({int(post["content"]["text"].rpartition(" ")[2]) for post in posts})),
        "following": body["next_cursor"],
    }


def poll(url: str, log: str, seed: int) -> None:
    """Poll with several threads; each answer is one write to ``log``."""
    with Path(log).open("ab", buffering=0) as opened:
        pollers = [Poller(url, opened, Random(f"{seed}/{number}")) for number in range(THREADS)]
        threads = [threading.Thread(target=poller.run, daemon=True) for poller in pollers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
