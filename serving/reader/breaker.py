"""A circuit breaker: after a run of failures it blocks calls, then lets one caller at a time probe."""

import time
from collections.abc import Callable
from typing import Literal

BreakerState = Literal["closed", "half_open", "open"]


class CircuitBreaker:
    """Closed until ``failures`` calls in a row fail; open for ``open_s``; then half open for one probe at a time.

    For one event loop: no method awaits, so none needs a lock. A caller that was allowed must report
    exactly one of ``succeeded``, ``failed`` or ``abandoned``.
    """

    def __init__(self, failures: int, open_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit = failures
        self._open_s = open_s
        self._clock = clock
        self._failures = 0
        self._opened_at = 0.0
        self._probing = False
        self.state: BreakerState = "closed"

    def allows(self) -> bool:
        """Whether the caller may go ahead; when half open, true for one caller until that one reports."""
        if self.state == "open" and self._clock() - self._opened_at >= self._open_s:
            self.state = "half_open"
            self._probing = False
        if self.state == "half_open" and not self._probing:
            self._probing = True
            return True
        return self.state == "closed"

    def succeeded(self) -> None:
        """A call came back; a late answer from before the breaker opened does not close it."""
        if self.state != "open":
            self.state = "closed"
            self._failures = 0
            self._probing = False

    def failed(self) -> None:
        """A call failed: open on the limit, or at once when it was the probe."""
        self._failures += 1
        if self.state == "half_open" or (self.state == "closed" and self._failures >= self._limit):
            self.state = "open"
            self._opened_at = self._clock()
            self._probing = False

    def abandoned(self) -> None:
        """A call was cancelled and proves nothing: the next caller may probe."""
        self._probing = False
