"""The last step of publish, canary and rollback: correct Redis and ``gold.epochs`` by the pointer."""

import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cache

from contracts.epoch_status import STATUSES, fate_of, role_of, withdrawn
from contracts.pointer import Pointer
from contracts.settings import PublishRules
from spark_jobs.publish import epoch_store, ledger
from spark_jobs.publish.epoch_store import PublishFailed
from spark_jobs.publish.ledger import EpochRow
from storage.redis_clients import Client

_ATTEMPTS = 5


@dataclass(frozen=True)
class Settled:
    """Result of ``settle``: the pointer, the rows, and how many keys were removed."""

    pointer: Pointer | None
    rows: dict[int, EpochRow]
    num_removed: int


def withdraw(client: Client, pointer: Pointer | None, rolled_back: Collection[int]) -> Pointer | None:
    """Remove rolled-back epochs from the pointer; returns the pointer that is then in Redis.

    It stays unchanged if no epoch would be left, or the new stable one has no keys: readers must have something to
    serve.
    """
    new = None if pointer is None else withdrawn(pointer, rolled_back, time.time())
    if pointer is None or new is None or new == pointer:
        return pointer
    if new.stable != pointer.stable and not epoch_store.has_stand_ins(client, new.stable):
        return pointer
    epoch_store.flip(client, pointer, new)
    return new


def bar(client: Client, pointer: Pointer | None, rows: Iterable[EpochRow]) -> Pointer | None:
    """Keep every publish at work from flipping, because its epoch is about to be removed; returns the pointer then.

    A flip is refused once the pointer has changed, so the pointer gets a later time. This matters only if two publishes
    run at once: usually the other one was killed.
    """
    at_work = [row.epoch for row in rows if STATUSES[row.status].is_at_work]
    if pointer is None or all(pointer.names(epoch) for epoch in at_work):
        return pointer
    new = pointer.next(pointer.stable, pointer.previous, time.time(), pointer.canary, pointer.held)
    epoch_store.flip(client, pointer, new)
    return new


def settle(table: str, client: Client, rules: PublishRules, *, may_be_at_work: bool) -> Settled:
    """Complete a rollback that died, remove the keys of epochs that nobody serves, correct ``gold.epochs``.

    ``table`` is the location of ``gold.epochs``, ``may_be_at_work`` as in ``fate_of``. If it is killed, the next call
    completes it.
    """
    for attempt in range(1, _ATTEMPTS + 1):
        rows = ledger.read_rows(table)
        try:
            pointer = withdraw(client, epoch_store.read_pointer(client), ledger.rolled_back(rows))
            if not may_be_at_work:
                pointer = bar(client, pointer, rows)
        except PublishFailed:
            # Another process moved the pointer in between: read it again.
            if attempt == _ATTEMPTS:
                raise
        else:
            break
    statuses = {row.epoch: row.status for row in rows}
    newest = max([*statuses, *(pointer.named if pointer else ())], default=0)
    if may_be_at_work and (pointer is None or pointer.stable not in statuses):
        # Another lake's Redis, or one that was emptied: only a publish may conclude that epochs are gone.
        return Settled(pointer, {row.epoch: row for row in rows}, 0)

    @cache
    def is_doomed(epoch: int) -> bool:
        if epoch > newest:
            return False  # of a publish that has started since the table was read
        role = role_of(epoch, pointer)
        return not fate_of(statuses.get(epoch), role, may_be_at_work=may_be_at_work).keeps_keys

    # Keys first: the statuses bad and retired mean that the keys are removed.
    removed = epoch_store.discard_epochs(client, is_doomed, rules)
    ledger.correct(table, ledger.in_line_with(pointer, rows, may_be_at_work=may_be_at_work))
    return Settled(pointer, {row.epoch: row for row in ledger.read_rows(table)}, removed)
