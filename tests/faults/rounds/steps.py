"""The steps of a process, in order: everything that it sends to Redis, and every write to ``gold.epochs``.

A trap makes something happen at one of them: the process is killed, it waits, or Redis is full from then on. Killed
``half``, it has sent half of the bytes of its step; killed when ``sent``, all of them, and reads no reply.
"""

import json
import os
import signal
import socket
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from redis.connection import AbstractConnection

from contracts.pointer import Pointer
from spark_jobs.publish import epoch_store, ledger
from spark_jobs.publish.epoch_store import PublishFailed
from tests.faults.rounds.stand_in import put_in

When = Literal["before", "half", "sent"]
WHENS: tuple[When, ...] = ("before", "half", "sent")
_NO_STEPS = {"CLIENT", "HELLO", "SELECT", "AUTH", "PING"}
_SEND = "send_packed_command"
_NAME, _KEY = 2, 4
"""Places in a command as bytes: number of words, length, name, length, first argument."""


@dataclass(frozen=True)
class Trap:
    """What happens at a step, counted from 0."""

    step: int
    when: When = "before"
    act: Literal["die", "wait", "fill"] = "die"
    wait_s: float = 0.0


class Steps:
    """Counts the steps of this process and springs its traps; ``told`` is the file in which it tells of them."""

    def __init__(self, traps: Sequence[Trap], url: str, told: Path) -> None:
        self._traps = {trap.step: trap for trap in traps}
        self._address = urlsplit(url)
        self._told = told
        self._counts = Counter[str]()
        self.names: list[str] = []

    def install(self) -> None:
        """Watch every connection to Redis and every write to the table from now on."""
        send: Callable[..., None] = getattr(AbstractConnection, _SEND)
        merge = ledger._merge

        def watched(connection: Any, command: Any, check_health: bool = True) -> None:
            data = command if isinstance(command, bytes) else b"".join(command)
            label = label_of(data)
            if label is None:
                send(connection, command, check_health)
                return
            trap = self._reach(label)
            if trap is not None and trap.when == "half":
                send(connection, [data[: len(data) // 2]], check_health)
                self._spring(trap)
            send(connection, command, check_health)
            if trap is not None and trap.when == "sent":
                self._spring(trap)

        def merged(path: Any, source: Any, *, existing: ledger.Existing) -> int:
            self._reach_and_spring("record")
            num_new = merge(path, source, existing=existing)
            self._reach_and_spring("recorded")
            return num_new

        setattr(AbstractConnection, _SEND, watched)
        put_in(ledger, _merge=merged)

    def tell(self) -> None:
        """Tell of all steps, at the end."""
        self._told.write_text(json.dumps({"steps": self.names}))

    def _reach_and_spring(self, label: str) -> None:
        trap = self._reach(label)
        if trap is not None and trap.when != "before":
            self._spring(trap)

    def _reach(self, label: str) -> Trap | None:
        """The trap of the step that begins; one for before it is sprung already."""
        self._counts[label] += 1
        self.names.append(f"{label} {self._counts[label]}")
        trap = self._traps.get(len(self.names) - 1)
        if trap is not None and trap.when == "before":
            self._spring(trap)
        return trap

    def _spring(self, trap: Trap) -> None:
        if trap.act == "wait":
            time.sleep(trap.wait_s)
        elif trap.act == "fill":
            with socket.create_connection((self._address.hostname or "", self._address.port or 0)) as connection:
                connection.sendall(b"CONFIG SET maxmemory 1\r\n")
                connection.recv(64)
        else:
            self._told.write_text(json.dumps({"died": f"{self.names[-1]}, {trap.when}"}))
            os.kill(os.getpid(), signal.SIGKILL)


def label_of(command: bytes) -> str | None:
    """The name of a command and the kind of its first key; None for what belongs to a connection."""
    words = command[:400].split(b"\r\n")
    name = words[_NAME].decode(errors="replace").upper()
    if name in _NO_STEPS:
        return None
    if name == "EVAL":
        return "flip"
    key = words[_KEY].partition(b":")[0].decode(errors="replace") if len(words) > _KEY and b":" in words[_KEY] else ""
    return f"{name} {key}".strip()


def tell_flips(log: Path) -> None:
    """Write every flip of this process to ``log``: before it, and again where it is refused."""
    flip = epoch_store.flip

    def told(client: Any, seen: Pointer | None, new: Pointer, claimed: str = "") -> None:
        line = {"at": time.monotonic(), "epoch": new.stable, "published_at": new.published_at, "process": os.getpid()}
        _append(log, line)
        try:
            flip(client, seen, new, claimed)
        except PublishFailed:
            _append(log, line | {"refused": True})
            raise

    put_in(epoch_store, flip=told)


def _append(log: Path, line: dict[str, Any]) -> None:
    with log.open("ab", buffering=0) as opened:
        opened.write(json.dumps(line).encode() + b"\n")
