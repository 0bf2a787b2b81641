"""Inputs of a served page, and the error that names one."""

from dataclasses import dataclass
from typing import Literal

Input = Literal["record", "epoch", "settings", "lake", "pool", "card", "suppression", "selection", "code"]
"""What decides a page, in the order in which one explains the next."""


@dataclass(frozen=True)
class Difference:
    """An input that differs from what it was when the page was served, in words."""

    input: Input
    what: str

    def __str__(self) -> str:
        """The input and what differs."""
        return f"{self.input}: {self.what}"


class CannotReplayError(Exception):
    """No page can be rebuilt: an input is missing or another one; the text names it and says what to do."""

    def __init__(self, which: Input, what: str) -> None:
        super().__init__(f"{which}: {what}")
        self.difference = Difference(which, what)
