"""What the lake gives back of an epoch: its manifest, and its pools and cards as the publisher packs them."""

import json
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from contracts.epochs import Pool
from contracts.page_records import PageRecord
from contracts.pipeline import BY_NAME
from replay.differences import CannotReplayError
from serving.reader.cards import Card
from serving.reader.values import parse_card, parse_pool
from spark_jobs.night.lake import Lake
from spark_jobs.night.night import Night
from spark_jobs.publish import ledger, suppression
from spark_jobs.publish.building import pack_fallback, target_of
from spark_jobs.publish.loading import pack
from spark_jobs.publish.reading import read_content

PUBLIC_LEVELS = ("popular", "chronological")


@dataclass(frozen=True)
class EpochInputs:
    """Pools of an epoch by owner or public level, cards by post, and suppression that was published with the epoch.

    ``written`` has (kind of key, member) by the user whose set it is in, None for everybody's.
    """

    pools: dict[int | str, Pool]
    cards: dict[int, Card]
    written: dict[int | None, list[tuple[str, int]]]

    def written_for(self, record: PageRecord) -> list[tuple[str, int]]:
        """Suppression that was published for the page's user."""
        return [*self.written.get(record.user_id, ()), *self.written.get(None, ())]

    def pool_of(self, record: PageRecord) -> Pool | None:
        """The pool that the recorded page was read from."""
        return self.pools.get(record.level if record.level in PUBLIC_LEVELS else record.user_id)


def read_row(lake: Lake, epoch: int) -> ledger.EpochRow:
    """The epoch's row in ``gold.epochs``; raises ``CannotReplayError`` if there is none."""
    rows = ledger.read_rows(str(lake.place_of(ledger.TABLE))) if lake.exists(ledger.TABLE) else []
    for row in rows:
        if row.epoch == epoch:
            return row
    known = f"it has {rows[0].epoch} to {rows[-1].epoch}" if rows else "the table is empty"
    raise CannotReplayError("epoch", f"{ledger.TABLE} of {lake.root} has no epoch {epoch}; {known}: is this the lake?")


def check_manifest(night: Night, row: ledger.EpochRow) -> dict[str, int]:
    """The versions of the tables that the epoch was made from.

    Raises ``CannotReplayError`` if the night has other settings, or the manifest lacks a table.
    """
    manifest: dict[str, Any] = json.loads(row.manifest)
    if manifest.get("settings") != night.settings_hash:
        raise CannotReplayError(
            "settings",
            f"epoch {row.epoch} was published with settings {manifest.get('settings')}, these are "
            f"{night.settings_hash}: name its settings file (--settings, SETTINGS=file) and its landing area",
        )
    versions: dict[str, int] = manifest["versions"]
    missing = [name for name in BY_NAME[ledger.TABLE].inputs if name not in versions]
    if missing:
        raise CannotReplayError("lake", f"the manifest of epoch {row.epoch} names no version of {', '.join(missing)}")
    return versions


def read_inputs(night: Night, row: ledger.EpochRow, records: Collection[PageRecord]) -> EpochInputs:
    """Pools and cards of the recorded pages, read at the manifest's versions.

    Raises ``CannotReplayError`` for other settings, and for a version that the lake no longer has.
    """
    versions = check_manifest(night, row)
    users = sorted({record.user_id for record in records})
    with _versions_that_may_be_gone(night, versions):
        content = read_content(night, versions)
        rows = content.frames["pool"].where(F.col("user_id").isin(users))
        pools: dict[int | str, Pool] = {
            user: _pool_in(value, row.epoch, user)
            for user, value in pack(rows, target_of(night, row.epoch, "pool")).items()
        }
        for name, columns in content.fallbacks.items():
            pools[name] = _pool_in(pack_fallback(night, row.epoch, columns), row.epoch, None)
        posts = sorted({post for pool in pools.values() for post in pool.columns["post_id"].tolist()})
        shown = night.spark.createDataFrame([(post,) for post in posts], "post_id BIGINT")
        frame = content.frames["card"].join(F.broadcast(shown), "post_id", "left_semi")
        cards = pack(frame, target_of(night, row.epoch, "card"))
        written = _written(night, versions, users, shown)
    parsed = ((post, parse_card(value, post)) for post, value in cards.items())
    return EpochInputs(pools, {post: card for post, card in parsed if card is not None}, written)


def _written(
    night: Night, versions: dict[str, int], users: list[int], posts: DataFrame
) -> dict[int | None, list[tuple[str, int]]]:
    every = suppression.additions(night, versions)
    theirs = every.where(F.col("owner").isin(users))
    taken_down = every.where(F.col("owner").isNull()).join(
        F.broadcast(posts), F.col("member") == F.col("post_id"), "left_semi"
    )
    found: dict[int | None, list[tuple[str, int]]] = {}
    for kind, owner, member in theirs.unionByName(taken_down).collect():
        found.setdefault(owner, []).append((kind, member))
    return found


def _pool_in(value: bytes, epoch: int, owner: int | None) -> Pool:
    pool = parse_pool(value, epoch, owner)
    assert pool is not None, "a packed pool is not empty"
    return pool


@contextmanager
def _versions_that_may_be_gone(night: Night, versions: dict[str, int]) -> Iterator[None]:
    try:
        yield
    except (PySparkException, Py4JJavaError) as error:
        text = str(error)
        for name, version in versions.items():
            if night.lake.path(name) in text:
                raise CannotReplayError(
                    "lake",
                    f"{name} cannot be read at version {version}, from which the epoch was made: an erasure or VACUUM "
                    "has removed it, and pages from before it cannot be rebuilt",
                ) from error
        raise
