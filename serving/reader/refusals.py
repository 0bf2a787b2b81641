"""Values from Redis that the reader refuses: always counted, logged at most once a second for each kind."""

import logging
import math
import time
from collections.abc import Callable
from typing import Literal

from contracts.epochs import Pool
from serving.reader.cards import Card
from serving.reader.metrics import ReaderMetrics
from serving.reader.values import DamagedValueError, parse_card, parse_instant, parse_pool

Kind = Literal[
    "pointer",
    "epoch",
    "pool",
    "card",
    "fresh",
    "freshness",
    "block",
    "hidden",
    "parted",
    "acted",
    "takedown",
    "narrowed",
    "held",
]
_LOG = logging.getLogger(__name__)
_QUIET_S = 1.0


class Refusals:
    """Counts and logs refused values, and reads pools and cards so that a damaged one is an absent one."""

    def __init__(self, metrics: ReaderMetrics, clock: Callable[[], float] = time.monotonic) -> None:
        self._metrics = metrics
        self._clock = clock
        self._logged_at: dict[Kind, float] = {}

    def note(self, kind: Kind, what: str, count: int = 1) -> None:
        """Count ``count`` refused values, and log what is wrong with them."""
        self._metrics.damaged_values.labels(kind).inc(count)
        now = self._clock()
        if now - self._logged_at.get(kind, -_QUIET_S) >= _QUIET_S:
            self._logged_at[kind] = now
            _LOG.error("refused from Redis: %s", what, extra={"fields": {"kind": kind}})

    def read_pool(self, reply: object, epoch: int, owner: int | None) -> Pool | None:
        """The pool of ``owner`` (None: a public one) in ``epoch``; None when there is none that can be served."""
        try:
            return parse_pool(reply, epoch, owner)
        except DamagedValueError as error:
            self.note("pool", f"pool of user {owner} in epoch {epoch}: {error}")
            return None

    def read_fresh(self, reply: object, epoch: int, owner: int) -> Pool | None:
        """The user's posts since the night of ``epoch``; None when there are none that can be served."""
        try:
            return parse_pool(reply, epoch, owner)
        except DamagedValueError as error:
            self.note("fresh", f"fresh posts of user {owner} in epoch {epoch}: {error}")
            return None

    def read_instant(self, reply: object) -> float:
        """When the newest pass of fresh read the landing area, in Unix seconds; NaN when that is not known."""
        try:
            found = parse_instant(reply)
        except DamagedValueError as error:
            self.note("freshness", f"the time of the newest pass of fresh: {error}")
            found = None
        return math.nan if found is None else found

    def read_card(self, reply: object, post_id: int) -> Card | None:
        """The card of ``post_id``; None when there is none that can be served: that post is then not shown."""
        try:
            card = parse_card(reply, post_id)
        except DamagedValueError as error:
            self._metrics.cards.labels("damaged").inc()
            self.note("card", str(error))
            return None
        if card is None:
            self._metrics.cards.labels("absent").inc()
        return card
