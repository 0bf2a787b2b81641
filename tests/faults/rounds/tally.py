"""Counts of the rounds by fault, and the budget that answers must keep."""

import time
from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from contracts.settings import ReaderRules

BUDGET_MS = 4_000 * ReaderRules().redis_timeout_s
"""A request waits for at most two answers of Redis, the second being that of a ping, and for a connection to each."""
_ENOUGH = 500
"""A p99 of fewer answers is that of a few: it is shown and not judged."""


@dataclass
class OfFault:
    """What became of the rounds of one fault."""

    rounds: int = 0
    answers: int = 0
    broken: int = 0
    latencies_ms: list[float] = field(default_factory=list)
    happened: Counter[str] = field(default_factory=Counter)

    @property
    def p99_ms(self) -> float:
        return round(float(np.percentile(self.latencies_ms, 99)), 1) if self.latencies_ms else 0.0


@dataclass
class Tally:
    """All of them, and the sentences about rules that were broken; ``num_steps`` are those of a publish."""

    total: int
    num_steps: int = 0
    by_fault: dict[str, OfFault] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)

    def add(self, number: int, fault: str, what: str, latencies_ms: list[float], broken: list[str]) -> None:
        """Count one round."""
        found = self.by_fault.setdefault(fault, OfFault())
        found.rounds += 1
        found.answers += len(latencies_ms)
        found.broken += len(broken)
        found.latencies_ms += latencies_ms
        found.happened[what] += 1
        self.broken += [f"round {number}, {fault} ({what}): {sentence}" for sentence in broken]

    @property
    def rounds(self) -> int:
        return sum(found.rounds for found in self.by_fault.values())

    @property
    def every(self) -> OfFault:
        """All faults together."""
        latencies = [one for found in self.by_fault.values() for one in found.latencies_ms]
        return OfFault(self.rounds, len(latencies), len(self.broken), latencies)

    def judge_latency(self) -> None:
        """Note each fault under which answers took longer than the budget, and all together."""
        for name, found in [*self.by_fault.items(), ("all faults", self.every)]:
            if found.answers >= _ENOUGH and found.p99_ms > BUDGET_MS:
                self.broken.append(f"{name}: p99 of {found.p99_ms} ms is above the budget of {BUDGET_MS:.0f} ms")

    def progress(self) -> str:
        """One line on how far the rounds are."""
        passed = time.monotonic() - self.began
        left = passed / max(self.rounds, 1) * (self.total - self.rounds)
        counts = ", ".join(f"{name} {found.rounds}" for name, found in self.by_fault.items())
        times = f"{passed:.0f} s, {left:.0f} s left"
        return f"{self.rounds} of {self.total} rounds, {times}; broken {len(self.broken)}; {counts}"

    def table(self) -> str:
        """The rounds, answers, broken rules and p99 of every fault."""
        lines = [f"{'fault':26} {'rounds':>7} {'answers':>9} {'broken':>7} {'p99 ms':>8}"]
        for name, found in [*self.by_fault.items(), ("all", self.every)]:
            lines.append(f"{name:26} {found.rounds:7} {found.answers:9,} {found.broken:7} {found.p99_ms:8}")
        return "\n".join(lines)
