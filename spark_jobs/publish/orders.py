"""Orders of people about epochs, as ``gold.epochs`` keeps them: who, when, why. Rollback and canary share them."""

import argparse
import json
import sys
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from contracts.epoch_status import ROLLED_BACK
from contracts.places import Place, table_below
from contracts.pointer import Pointer
from contracts.settings import PublishRules
from contracts.settings.options import add_options, load_options
from spark_jobs.publish import epoch_store, ledger
from spark_jobs.publish.epoch_store import PublishFailed
from spark_jobs.publish.ledger import EpochRow
from storage.check import add_place, check_options
from storage.delta import is_table
from storage.redis_clients import Client


class RefusedError(Exception):
    """The order is refused and nothing has changed; the message gives the reason."""


@dataclass(frozen=True)
class Order:
    """Who rolls back, and why; ``arm`` limits it to one arm, ``epoch`` to that epoch.

    ``request`` names the order: the same order given again changes nothing more.
    """

    by: str
    why: str
    request: str | None = None
    arm: str | None = None
    epoch: int | None = None

    def facts(self, back_to: int) -> dict[str, Any]:
        """The facts that ``gold.epochs`` keeps of the order."""
        at = datetime.now(UTC).isoformat()
        return {"by": self.by, "why": self.why, "to": back_to, "at": at, "request": self.request}


def marked(row: EpochRow, order: Order, back_to: int) -> EpochRow:
    """The row marked as rolled back for good; orders about its arms stay."""
    known = facts_of(row)
    arms = {"arms": known["arms"]} if "arms" in known else {}
    return replace(row, status=ROLLED_BACK, rollback=json.dumps({**order.facts(back_to), **arms}))


def marked_arm(row: EpochRow, order: Order, back_to: int) -> EpochRow:
    """The row with the order about one arm added to earlier orders; its status stays."""
    known = facts_of(row)
    arms = {**known.get("arms", {}), order.arm: order.facts(back_to)}
    return replace(row, rollback=json.dumps({**known, "arms": arms}))


def facts_of(row: EpochRow) -> dict[str, Any]:
    """The facts of rollbacks of the epoch."""
    facts: dict[str, Any] = json.loads(row.rollback or "{}")
    return facts


def rollback_text(row: EpochRow, arm: str | None = None) -> str:
    """A clause for messages: who rolled back the epoch, or one arm of it, when and why."""
    facts = facts_of(row)
    facts = facts if arm is None else facts.get("arms", {}).get(arm, {})
    return f"was rolled back by {facts.get('by')} at {facts.get('at')}: {facts.get('why')}"


def stable_row(pointer: Pointer | None, rows: dict[int, EpochRow]) -> EpochRow:
    """The row of the current epoch; raises ``RefusedError`` if Redis and the table do not belong together."""
    if pointer is None:
        raise RefusedError("Redis names no epoch: nothing was published there yet, or it has been emptied")
    if pointer.stable not in rows:
        raise RefusedError(
            f"Redis serves epoch {pointer.stable}, which gold.epochs does not know: is this the lake that fills it?"
        )
    return rows[pointer.stable]


def row_before(pointer: Pointer, rows: dict[int, EpochRow], client: Client, rules: PublishRules) -> EpochRow:
    """The epoch before the current one, which must be known, good, and have its keys; else ``RefusedError``."""
    if pointer.previous is None:
        past = (row for row in rows.values() if row.status == ROLLED_BACK)
        last = max(past, key=lambda row: row.epoch, default=None)
        also = "" if last is None else f"; epoch {last.epoch} {rollback_text(last)}"
        raise RefusedError(f"epoch {pointer.stable} is current and none is kept before it{also}")
    before = rows.get(pointer.previous)
    if before is None or before.status in (ROLLED_BACK, "bad"):
        status = "unknown to gold.epochs" if before is None else before.status
        raise RefusedError(f"epoch {pointer.previous}, the one before, is {status}")
    users, pools = int(json.loads(before.manifest).get("users", 0)), epoch_store.num_pools(client, before.epoch)
    if pools < rules.min_rollback_share * users or not epoch_store.has_stand_ins(client, before.epoch):
        raise RefusedError(
            f"epoch {before.epoch}, the one before, has {pools:,} of {users:,} pools left in Redis: its keys have "
            f"expired, were lost or are of another format. Epoch {pointer.stable} stays current; publish a mended night"
        )
    return before


def in_words(named: Pointer | None, rows: Iterable[EpochRow]) -> str:
    """What readers serve, as text for the person who gave the order."""
    if named is None:
        return "no epoch is current"
    days = {row.epoch: row.ds for row in rows}
    words = [f"epoch {named.stable} (night of {days.get(named.stable)}) is current"]
    if named.canary is not None:
        of_arm = "" if named.canary.arm is None else f" of arm {named.canary.arm}"
        words.append(f"{100 * named.canary.share:g} % of the users{of_arm} read epoch {named.canary.epoch}")
    words += [f"arm {arm} reads epoch {epoch}" for arm, epoch in named.held]
    return "; ".join(words)


def carry_out(
    parser: argparse.ArgumentParser,
    options: argparse.Namespace,
    act: Callable[[str, Client, PublishRules], str],
    refused: str,
) -> int:
    """Carry out an order on the lake and the Redis of ``options``; returns the exit status."""
    check_options(parser, options, "lake")
    rules = load_options(parser, options).settings.publish
    table = str(table_below(Place.parse(options.lake), ledger.TABLE))
    try:
        if not is_table(table):
            raise RefusedError(f"{table} is no Delta table: is this the lake?")  # noqa: TRY301 - reported like the others
        with closing(epoch_store.connect(options.redis, rules)) as client:
            print(act(table, client, rules))
    except (RefusedError, PublishFailed, OSError) as error:
        print(f"{refused}: {error}", file=sys.stderr)
        return 1
    return 0


def add_places(parser: argparse.ArgumentParser) -> None:
    """Add the options that name the lake and the readers' Redis."""
    add_place(parser, "lake", "root of the Delta tables")
    parser.add_argument("--redis", required=True, help="URL of the readers' Redis")
    add_options(parser)
