"""Roll back: make the epoch before the current one current again, and mark the bad one for good. Needs no Spark.

1. The bad epoch's row in ``gold.epochs`` becomes ``rolled_back``, with who, when, why and which epoch serves instead.
2. One SET of the pointer makes that epoch current; the bad one is named no more.
3. The table follows the pointer, and the bad epoch's keys are removed.

Killed between two steps, it is completed by the next rollback or publish: the mark in the table says what was meant.
A publish at work meanwhile does not stop it: that publish finds the pointer moved and ends; run it again.
"""

import argparse
import json
import sys
import time
from collections.abc import Collection, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from contracts.epoch_status import ROLLED_BACK, standing
from contracts.epochs import Pointer
from contracts.places import Place, table_below
from contracts.settings import PublishRules
from contracts.settings.options import add_options, load_options
from spark_jobs.publish import epoch_store, ledger
from spark_jobs.publish.epoch_store import PublishFailed
from spark_jobs.publish.ledger import EpochRow
from storage.check import add_place, check_options
from storage.delta import is_table

if TYPE_CHECKING:
    import redis

_ATTEMPTS = 5


class CannotRollBackError(Exception):
    """The rollback was refused and nothing has changed; the message says why."""


@dataclass(frozen=True)
class Order:
    """Who rolls back, and why. ``request`` names the order: the same one given again changes nothing more."""

    by: str
    why: str
    request: str | None = None


def roll_back(table: str, client: "redis.Redis", order: Order, rules: PublishRules) -> str:
    """Roll back the current epoch and say what was done; ``table`` is where ``gold.epochs`` lies.

    Raises ``CannotRollBackError`` where there is no epoch to go back to.
    """
    rows = {row.epoch: row for row in ledger.read_rows(table)}
    pointer = epoch_store.read_pointer(client)
    bad = _marked_by(order, rows.values()) or _unfinished(pointer, rows)
    if bad is None:
        current, before = _current(pointer, rows), _before(pointer, rows, client, rules)
        facts = {"by": order.by, "why": order.why, "to": before.epoch, "at": datetime.now(UTC).isoformat()}
        bad = replace(current, status=ROLLED_BACK, rollback=json.dumps({**facts, "request": order.request}))
        ledger.record(table, [bad])
    return _complete(table, client, bad, rules)


def withdraw(client: "redis.Redis", pointer: Pointer | None, rolled_back: Collection[int]) -> Pointer | None:
    """Flip to the epochs that ``pointer`` names without those rolled back; returns the pointer as it is then.

    It stays as it is where none would be left, or the one that would has no keys: something must be served.
    """
    good = standing(pointer, rolled_back)
    if pointer is None or good == standing(pointer, ()) or not good or not epoch_store.has_stand_ins(client, good[0]):
        return pointer
    new = pointer.next(good[0], None, time.time())
    epoch_store.flip(client, pointer, new)
    return new


def refuse_rolled_back(ds: date, content: int, rows: Iterable[EpochRow]) -> None:
    """Raise ``PublishFailed`` where a publish would bring back the content of an epoch that was rolled back."""
    for row in rows:
        if row.status == ROLLED_BACK and json.loads(row.manifest).get("content") == content:
            raise PublishFailed(
                f"refusing to publish {ds}: it has the content of epoch {row.epoch}, which {_told(row)}. "
                "Mend what was wrong and run the night again from the stage that it came from"
            )


def _marked_by(order: Order, rows: Iterable[EpochRow]) -> EpochRow | None:
    """The epoch that this very order has marked before."""
    return next((row for row in rows if order.request and _facts(row).get("request") == order.request), None)


def _unfinished(pointer: Pointer | None, rows: dict[int, EpochRow]) -> EpochRow | None:
    """The current epoch where it is marked already: a rollback was killed before its flip."""
    current = None if pointer is None else rows.get(pointer.stable)
    return current if current is not None and current.status == ROLLED_BACK else None


def _current(pointer: Pointer | None, rows: dict[int, EpochRow]) -> EpochRow:
    if pointer is None:
        raise CannotRollBackError("Redis names no epoch: nothing was published there yet, or it has been emptied")
    if pointer.stable not in rows:
        raise CannotRollBackError(
            f"Redis serves epoch {pointer.stable}, which gold.epochs does not know: is this the lake that fills it?"
        )
    return rows[pointer.stable]


def _before(pointer: Pointer | None, rows: dict[int, EpochRow], client: "redis.Redis", rules: PublishRules) -> EpochRow:
    """The epoch to go back to: known, good, and with its keys."""
    assert pointer is not None, "a current epoch has a pointer"
    if pointer.previous is None:
        last = max((row for row in rows.values() if row.status == ROLLED_BACK), key=lambda row: row.epoch, default=None)
        told = "" if last is None else f"; epoch {last.epoch} {_told(last)}"
        raise CannotRollBackError(f"epoch {pointer.stable} is current and none is kept before it{told}")
    before = rows.get(pointer.previous)
    if before is None or before.status in (ROLLED_BACK, "bad"):
        status = "unknown to gold.epochs" if before is None else before.status
        raise CannotRollBackError(f"epoch {pointer.previous}, the one before, is {status}")
    users, pools = int(json.loads(before.manifest).get("users", 0)), epoch_store.num_pools(client, before.epoch)
    if pools < rules.min_rollback_share * users or not epoch_store.has_stand_ins(client, before.epoch):
        raise CannotRollBackError(
            f"epoch {before.epoch}, the one before, has {pools:,} of {users:,} pools left in Redis: its keys have "
            f"expired, were lost or are of another format. Epoch {pointer.stable} stays current; publish a mended night"
        )
    return before


def _complete(table: str, client: "redis.Redis", bad: EpochRow, rules: PublishRules) -> str:
    """Flip, unless that was done; then bring the table in line and remove the bad epoch's keys."""
    for attempt in range(1, _ATTEMPTS + 1):
        rows = ledger.read_rows(table)
        try:
            served = withdraw(client, epoch_store.read_pointer(client), ledger.rolled_back(rows))
        except PublishFailed:
            # A publish has flipped in between: its epoch is another one, so only the bad one is taken out.
            if attempt == _ATTEMPTS:
                raise
        else:
            break
    named = standing(served, ())
    if bad.epoch in named:
        raise CannotRollBackError(
            f"epoch {bad.epoch} is marked, but no other has keys in Redis: readers go on with it until the next publish"
        )
    ledger.record(table, [row for row in ledger.in_line_with(served, rows) if row.epoch in named])
    removed = epoch_store.discard_epoch(client, bad.epoch, rules)
    days = {row.epoch: row.ds for row in rows}
    now = f"epoch {named[0]} (night of {days.get(named[0])}) is current" if named else "no epoch is current"
    return f"epoch {bad.epoch} (night of {bad.ds}) {_told(bad)}; {now}; {removed:,} keys removed"


def _facts(row: EpochRow) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads(row.rollback or "{}")
    return facts


def _told(row: EpochRow) -> str:
    facts = _facts(row)
    return f"was rolled back by {facts.get('by')} at {facts.get('at')}: {facts.get('why')}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Roll back; returns the exit status: 0, or 1 when that was refused or failed."""
    parser = argparse.ArgumentParser(prog="python -m spark_jobs.publish.rollback", description=__doc__.splitlines()[0])
    add_place(parser, "lake", "root of the Delta tables")
    parser.add_argument("--redis", required=True, help="URL of the readers' Redis")
    parser.add_argument("--why", required=True, help="what is wrong with the current epoch, for those who ask later")
    parser.add_argument("--by", required=True, help="who decides it")
    parser.add_argument("--request", help="name of this order: given again, it rolls back nothing more")
    add_options(parser)
    options = parser.parse_args(arguments)
    check_options(parser, options, "lake")
    rules = load_options(parser, options).settings.publish
    if not options.why.strip() or not options.by.strip():
        parser.error("say why and who: --why and --by may not be blank")
    table = str(table_below(Place.parse(options.lake), ledger.TABLE))
    try:
        if not is_table(table):
            raise CannotRollBackError(f"{table} is no Delta table: is this the lake?")  # noqa: TRY301 - told as the rest
        with closing(epoch_store.connect(options.redis, rules)) as client:
            order = Order(options.by.strip(), options.why.strip(), options.request)
            print(roll_back(table, client, order, rules))
    except (CannotRollBackError, PublishFailed, OSError) as error:
        print(f"nothing was rolled back: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
