"""Bringing Redis and ``gold.epochs`` in line with the pointer: what publish, canary and rollback end with."""

import time
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from contracts.epoch_status import fate_of, role_of, withdrawn
from contracts.pointer import Pointer
from contracts.settings import PublishRules
from spark_jobs.publish import epoch_store, ledger
from spark_jobs.publish.epoch_store import PublishFailed
from spark_jobs.publish.ledger import EpochRow

if TYPE_CHECKING:
    import redis

_ATTEMPTS = 5


@dataclass(frozen=True)
class Settled:
    """The pointer and the rows as they are then, and how many keys were removed."""

    pointer: Pointer | None
    rows: dict[int, EpochRow]
    num_removed: int


def withdraw(client: "redis.Redis", pointer: Pointer | None, rolled_back: Collection[int]) -> Pointer | None:
    """Flip to what ``pointer`` names without epochs rolled back; returns the pointer as it is then.

    It stays as it is where none would be left, or the one that would be stable has no keys: something must be served.
    """
    new = None if pointer is None else withdrawn(pointer, rolled_back, time.time())
    if pointer is None or new is None or new == pointer:
        return pointer
    if new.stable != pointer.stable and not epoch_store.has_stand_ins(client, new.stable):
        return pointer
    epoch_store.flip(client, pointer, new)
    return new


def settle(table: str, client: "redis.Redis", rules: PublishRules, *, may_be_at_work: bool) -> Settled:
    """Complete a rollback that died, remove the keys of epochs that nobody serves, correct ``gold.epochs``.

    ``table`` is where that lies, ``may_be_at_work`` as in ``fate_of``. Killed anywhere, the next call completes it.
    """
    for attempt in range(1, _ATTEMPTS + 1):
        rows = ledger.read_rows(table)
        try:
            pointer = withdraw(client, epoch_store.read_pointer(client), ledger.rolled_back(rows))
        except PublishFailed:
            # The pointer was moved in between, to another epoch: look again.
            if attempt == _ATTEMPTS:
                raise
        else:
            break
    statuses = {row.epoch: row.status for row in rows}
    if may_be_at_work and (pointer is None or pointer.stable not in statuses):
        # Another lake's Redis, or one that was emptied: only a publish may conclude that epochs are gone.
        return Settled(pointer, {row.epoch: row for row in rows}, 0)

    def is_doomed(epoch: int) -> bool:
        role = role_of(epoch, pointer)
        return not fate_of(statuses.get(epoch), role, may_be_at_work=may_be_at_work).keeps_keys

    # Keys first: a row that says bad or retired says that its keys are gone.
    removed = epoch_store.discard_epochs(client, is_doomed, rules)
    ledger.record(table, ledger.in_line_with(pointer, rows, may_be_at_work=may_be_at_work))
    return Settled(pointer, {row.epoch: row for row in ledger.read_rows(table)}, removed)
