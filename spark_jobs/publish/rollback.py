"""Roll back: return readers to the epoch before, and mark the bad one for good. Needs no Spark.

The bad epoch is the canary if there is one, and the current epoch otherwise. ``--arm`` rolls back one arm only.

1. The bad epoch's row in ``gold.epochs`` becomes ``rolled_back``, with who, when, why and which epoch serves instead.
2. One SET of the pointer makes that epoch current; the pointer no longer names the bad one.
3. The bad epoch's keys are removed, and the table follows the pointer.

If it is killed between two steps, the next rollback or publish completes it, by the mark in the table. It does not wait
for a running publish: that publish finds that the pointer has moved and fails; run it again.
"""

import argparse
import json
import time
from collections.abc import Iterable, Sequence
from datetime import date

from contracts.epoch_status import ROLLED_BACK
from contracts.pointer import MAX_HELD_ARMS, Pointer
from contracts.settings import PublishRules
from spark_jobs.publish import epoch_store, ledger
from spark_jobs.publish.epoch_store import PublishFailed
from spark_jobs.publish.ledger import EpochRow
from spark_jobs.publish.orders import (
    Order,
    RefusedError,
    add_places,
    carry_out,
    facts_of,
    in_words,
    marked,
    marked_arm,
    rollback_text,
    row_before,
    stable_row,
)
from spark_jobs.publish.settling import settle
from storage.redis_clients import Client


def roll_back(table: str, client: Client, order: Order, rules: PublishRules) -> str:
    """Roll back; returns what was done as text. ``table`` is the location of ``gold.epochs``.

    Raises ``RefusedError`` if there is no epoch to go back to.
    """
    pointer = epoch_store.read_pointer(client)
    rows = {row.epoch: row for row in ledger.read_rows(table)}  # whole where the pointer names it: read after
    bad = _marked_by(order, rows.values()) or _unfinished(pointer, rows)
    if bad is None:
        stable_row(pointer, rows)
        assert pointer is not None, "a current epoch has a pointer"
        if order.arm is not None and (pointer.canary is None or pointer.canary.arm != order.arm):
            return _hold(table, client, order, rules)
        bad = _newest(pointer, rows, order, client, rules)
        ledger.record(table, [bad])
    return _complete(table, client, bad, rules)


def _newest(pointer: Pointer, rows: dict[int, EpochRow], order: Order, client: Client, rules: PublishRules) -> EpochRow:
    """The marked row of the newest served epoch; raises if it cannot be rolled back, or is not the epoch of the order.

    An order given twice rolls back one epoch: right after a canary, the current epoch is rolled back only if it is
    named.
    """
    newest = pointer.canary.epoch if pointer.canary else pointer.stable
    if newest not in rows:
        raise RefusedError(f"Redis has epoch {newest} as canary, which gold.epochs does not know: is this the lake?")
    if order.epoch not in (None, newest):
        raise RefusedError(f"epoch {order.epoch} is not the newest that is served: that is epoch {newest}")
    if pointer.canary:
        return marked(rows[newest], order, pointer.stable)
    before = row_before(pointer, rows, client, rules)
    last = rows[max(rows)]
    if order.epoch is None and last.status == ROLLED_BACK and facts_of(last).get("to") == newest:
        raise RefusedError(
            f"epoch {last.epoch} {rollback_text(last)}; epoch {newest} is current since. To roll that back too, name it"
        )
    return marked(rows[newest], order, before.epoch)


def refuse_rolled_back(ds: date, content: int, rows: Iterable[EpochRow]) -> None:
    """Raise ``PublishFailed`` if a publish would bring back the content of a rolled-back epoch."""
    for row in rows:
        if row.status == ROLLED_BACK and json.loads(row.manifest).get("content") == content:
            raise PublishFailed(
                f"refusing to publish {ds}: it has the content of epoch {row.epoch}, which {rollback_text(row)}. "
                "Mend what was wrong and run the night again from the stage that it came from"
            )


def _marked_by(order: Order, rows: Iterable[EpochRow]) -> EpochRow | None:
    """The epoch that this order, by its request, has marked before."""
    if order.request is None:
        return None
    return next((row for row in rows if facts_of(row).get("request") == order.request), None)


def _unfinished(pointer: Pointer | None, rows: dict[int, EpochRow]) -> EpochRow | None:
    """A marked epoch that readers still serve: a rollback was killed before its flip."""
    served = () if pointer is None else (epoch for epoch in pointer.named if epoch != pointer.previous)
    return next((rows[epoch] for epoch in served if epoch in rows and rows[epoch].status == ROLLED_BACK), None)


def _hold(table: str, client: Client, order: Order, rules: PublishRules) -> str:
    """Let one arm read the epoch before: the current one instead of the canary, else the one before the current."""
    pointer = epoch_store.read_pointer(client)
    rows = {row.epoch: row for row in ledger.read_rows(table)}
    assert pointer is not None, "a current epoch has a pointer"
    arm = str(order.arm)
    reads_canary = pointer.canary is not None and pointer.canary.arm is None
    bad = rows.get(pointer.canary.epoch if pointer.canary and reads_canary else pointer.stable)
    held = dict(pointer.held)
    if bad is None:
        raise RefusedError("Redis has a canary which gold.epochs does not know: is this the lake that fills it?")
    if arm not in held:
        if len(held) == MAX_HELD_ARMS:
            raise RefusedError(f"{MAX_HELD_ARMS} arms are held back already; roll back the whole epoch instead")
        back_to = pointer.stable if reads_canary else row_before(pointer, rows, client, rules).epoch
        if arm not in facts_of(bad).get("arms", {}):
            bad = marked_arm(bad, order, back_to)
            ledger.record(table, [bad])
        arms = {**held, arm: back_to}.items()
        moved = pointer.next(pointer.stable, pointer.previous, time.time(), pointer.canary, arms)
        epoch_store.flip(client, pointer, moved)
        pointer = moved
    return (
        f"arm {arm} of epoch {bad.epoch} (night of {bad.ds}) {rollback_text(bad, arm)}; "
        f"{in_words(pointer, rows.values())}"
    )


def _complete(table: str, client: Client, bad: EpochRow, rules: PublishRules) -> str:
    """Flip, unless that was done; then remove the bad epoch's keys and correct the table."""
    done = settle(table, client, rules, may_be_at_work=True)
    if done.pointer is not None and done.pointer.names(bad.epoch):
        raise RefusedError(
            f"epoch {bad.epoch} is marked, but no other has keys in Redis: readers go on with it until the next publish"
        )
    now = in_words(done.pointer, done.rows.values())
    return f"epoch {bad.epoch} (night of {bad.ds}) {rollback_text(bad)}; {now}; {done.num_removed:,} keys removed"


def main(arguments: Sequence[str] | None = None) -> int:
    """Roll back; returns the exit status: 0, or 1 when that was refused or failed."""
    first, *_ = str(__doc__).splitlines()
    parser = argparse.ArgumentParser(prog="python -m spark_jobs.publish.rollback", description=first)
    add_places(parser)
    parser.add_argument("--why", required=True, help="what is wrong with the epoch, for those who ask later")
    parser.add_argument("--by", required=True, help="who decides it")
    parser.add_argument("--request", help="name of this order: given again, it rolls back nothing more")
    parser.add_argument("--arm", help="roll back for the users of this arm only")
    parser.add_argument("--epoch", type=int, help="the bad epoch: refused where it is not the newest that is served")
    options = parser.parse_args(arguments)
    if not options.why.strip() or not options.by.strip():
        parser.error("say why and who: --why and --by may not be blank")
    order = Order(options.by.strip(), options.why.strip(), options.request, options.arm or None, options.epoch)
    return carry_out(
        parser,
        options,
        lambda table, client, rules: roll_back(table, client, order, rules),
        refused="nothing was rolled back",
    )


if __name__ == "__main__":
    raise SystemExit(main())
