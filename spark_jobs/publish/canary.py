"""Make a published epoch a canary, raise its share, or make it current. Needs no Spark.

The chosen users read the canary, all others the current epoch. One SET of the pointer moves them; if it is killed, the
same command completes it. ``rollback`` takes a canary back.
"""

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass

from contracts.epoch_status import ROLLED_BACK
from contracts.pointer import Canary, Pointer
from contracts.settings import PublishRules
from spark_jobs.publish import epoch_store, ledger
from spark_jobs.publish.ledger import EpochRow
from spark_jobs.publish.orders import RefusedError, add_places, carry_out, in_words, row_before, stable_row
from spark_jobs.publish.settling import settle
from storage.redis_clients import Client


@dataclass(frozen=True)
class Wish:
    """The requested canary: the epoch, the share of the users who read it, and the arm, if only its users do."""

    epoch: int
    share: float
    arm: str | None = None

    @property
    def is_for_all(self) -> bool:
        """Whether the epoch becomes the current one."""
        return self.share == 1 and self.arm is None


def move_canary(table: str, client: Client, wish: Wish, rules: PublishRules) -> str:
    """Move the pointer as requested; returns what readers serve as text. ``table`` is the location of ``gold.epochs``.

    Raises ``RefusedError`` if the epoch cannot be served so. A canary that exists already changes nothing.
    """
    stable_row(epoch_store.read_pointer(client), {row.epoch: row for row in ledger.read_rows(table)})
    settled = settle(table, client, rules, may_be_at_work=True)
    assert settled.pointer is not None, "a current epoch has a pointer"
    moved = _moved(settled.pointer, settled.rows, wish, client, rules)
    if moved is None:
        return f"nothing to change: {in_words(settled.pointer, settled.rows.values())}"
    epoch_store.flip(client, settled.pointer, moved)
    done = settle(table, client, rules, may_be_at_work=True)
    return f"{in_words(done.pointer, done.rows.values())}; {done.num_removed:,} keys removed"


def _moved(
    pointer: Pointer, rows: dict[int, EpochRow], wish: Wish, client: Client, rules: PublishRules
) -> Pointer | None:
    """The pointer as requested; None if it is so already."""
    _refuse_unserved(pointer, rows, wish.epoch)
    canary, now = Canary(wish.epoch, wish.share, wish.arm), time.time()
    if wish.epoch == pointer.stable:
        if wish.is_for_all:
            return None
        if pointer.canary is not None:
            raise RefusedError(
                f"epoch {wish.epoch} is current and {pointer.canary.epoch} is its canary: "
                "make that current, or roll it back, first"
            )
        before = row_before(pointer, rows, client, rules)
        return pointer.next(before.epoch, None, now, canary, pointer.held)
    if wish.is_for_all:
        return pointer.next(wish.epoch, pointer.stable, now, held=pointer.held)
    if canary == pointer.canary:
        return None
    return pointer.next(pointer.stable, pointer.previous, now, canary, pointer.held)


def _refuse_unserved(pointer: Pointer, rows: dict[int, EpochRow], epoch: int) -> None:
    """Raise ``RefusedError`` if the epoch is neither the current one nor the canary."""
    if epoch == pointer.stable or (pointer.canary is not None and epoch == pointer.canary.epoch):
        return
    if epoch == pointer.previous:
        raise RefusedError(
            f"epoch {epoch} is older than epoch {pointer.stable}, which is current: put the current one behind a "
            f"canary, or roll it back"
        )
    if epoch not in rows:
        raise RefusedError(f"gold.epochs knows no epoch {epoch}; epoch {pointer.stable} is current")
    status = rows[epoch].status
    why = "it never comes back" if status == ROLLED_BACK else "its keys are not in Redis, or not whole"
    raise RefusedError(f"epoch {epoch} is {status}: {why}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Move the canary; returns the exit status: 0, or 1 when that was refused or failed."""
    first, *_ = str(__doc__).splitlines()
    parser = argparse.ArgumentParser(prog="python -m spark_jobs.publish.canary", description=first)
    add_places(parser)
    parser.add_argument("--epoch", required=True, type=int, help="the current epoch, or the canary")
    parser.add_argument("--share", required=True, type=float, help="share of users who read it; 1 makes it current")
    parser.add_argument("--arm", help="users of this arm only")
    options = parser.parse_args(arguments)
    if not 0 < options.share <= 1:
        parser.error(f"--share is above 0 and at most 1, not {options.share:g}; to take a canary back, roll it back")
    wish = Wish(options.epoch, options.share, options.arm or None)
    return carry_out(
        parser,
        options,
        lambda table, client, rules: move_canary(table, client, wish, rules),
        refused="the canary was not moved",
    )


if __name__ == "__main__":
    raise SystemExit(main())
