"""Publish a night: build its epoch in Redis beside the live one, verify it, make it current by one SET.

``gold.epochs`` has a row per epoch: ``building`` before its first key, ``built`` once every key was read back,
``current`` after the flip. A publish that is killed anywhere leaves the live epoch as it was; the next publish marks
the dead epoch ``bad``, removes its keys and starts a new one. The pointer in Redis is the truth: the next publish
completes a publish that was killed between the flip and the table's update, and a rollback that was killed before its
flip.
"""

import json
import time
from collections.abc import Collection, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import redis
from pyspark.sql import functions as F

from contracts.epoch_status import LOADING
from contracts.pointer import Canary, Pointer
from spark_jobs.night.night import Night
from spark_jobs.publish import epoch_store, ledger, narrowing, suppression
from spark_jobs.publish.building import Stopwatch, build, partitions_of, summarise
from spark_jobs.publish.difference import Sample, compare, nothing_live, sentences
from spark_jobs.publish.epoch_store import PublishFailed
from spark_jobs.publish.manifest import describe, pin_versions, read_audit
from spark_jobs.publish.measuring import estimate_bytes, measure
from spark_jobs.publish.reading import Content, read_content
from spark_jobs.publish.rollback import refuse_rolled_back
from spark_jobs.publish.settling import settle
from storage.redis_clients import FAILURES, Client


def main(night: Night) -> None:
    """Publish the night; raises ``PublishFailed``, with the live epoch untouched, if that is impossible."""
    audit, watch, rules = read_audit(night), Stopwatch(), night.settings.publish
    night.lake.create(ledger.TABLE)
    table = str(night.lake.place_of(ledger.TABLE))
    with closing(epoch_store.connect(night.redis_url, rules)) as client:
        epoch_store.check_server(client)
        pointer = epoch_store.read_pointer(client)
        refuse_older(night, pointer)
        claimed = "" if pointer else epoch_store.claim(client)
        with watch.phase("heal"):
            pointer = heal(night, client, pointer)
        versions = pin_versions(night, audit)
        facts = describe(night, versions)
        content = read_content(night, versions)
        kept = (content.by_post.persist(), content.frames["card"].persist())
        try:
            with watch.phase("measure"):
                counts = measure(content)
                rows = ledger.read_rows(table)
                refuse_rolled_back(night.ds, counts["content"], rows)
                epoch_store.check_memory(client, estimate_bytes(counts, rules.bytes_per_key), rules)
            row = ledger.start(table, night.ds, pointer, json.dumps(facts), json.dumps(audit))
            try:
                used_before = epoch_store.used_bytes(client)
                parts = build(night, client, row.epoch, content, watch)
                grown = epoch_store.used_bytes(client) - used_before
                summary = {**facts, **summarise(counts, parts), "redis_bytes": grown}
                row = replace(row, status="built", manifest=json.dumps(summary))
                commit_built(night, row)
                with watch.phase("compare"):
                    served = [old for old in rows if pointer is not None and old.epoch == pointer.stable]
                    tell_difference(night, client, content, (row.epoch, summary), served)
                live = succeed(pointer, row.epoch, ledger.rolled_back(rows), time.time(), rules.canary_share)
                epoch_store.flip(client, pointer, live, claimed)
            except Exception as error:
                abandon(night, client, row)
                raise explain(error) from error
        finally:
            for frame in kept:
                frame.unpersist()
        with watch.phase("finish"):
            finish(night, client, versions)
    report = {"epoch": row.epoch, **summary, "seconds": watch.seconds, "published_at": datetime.now(UTC).isoformat()}
    night.files.publish.write(report)


def succeed(
    pointer: Pointer | None, epoch: int, rolled_back: Collection[int], now: float, canary_share: float = 0.0
) -> Pointer:
    """The pointer that replaces ``pointer``: ``epoch`` is current, or the canary of that share where there is one.

    An earlier canary ends; there must be a good epoch that the other users read.
    """
    if pointer is None:
        return Pointer(epoch, None, int(now))
    good = [old for old in (pointer.stable, pointer.previous) if old is not None and old not in rolled_back]
    if canary_share and good:
        return pointer.next(good[0], good[1] if len(good) > 1 else None, now, Canary(epoch, canary_share), pointer.held)
    return pointer.next(epoch, good[0] if good else None, now)


def tell_difference(
    night: Night,
    client: Client,
    content: Content,
    epoch: tuple[int, dict[str, Any]],
    live: Sequence[ledger.EpochRow],
) -> None:
    """Say who changes most against the live epoch, and by what, on a sample chosen by a hash of the id."""
    rules, depth = night.settings.publish, night.settings.audit.churn_depth
    record = nothing_live(epoch[0], depth)
    if live and rules.compared_users:
        pools = content.frames["pool"]
        one_in = max(1, epoch[1]["users"] // rules.compared_users)
        is_chosen = (F.col("rank") == 1) & (F.pmod(F.xxhash64("user_id"), F.lit(one_in)) == 0)
        users = sorted(row.user_id for row in pools.where(is_chosen).select("user_id").collect())
        sample = Sample(users, depth, rules.keys_per_batch)
        record = compare(client, (live[0].epoch, json.loads(live[0].manifest)), epoch, sample)
    night.files.difference.write(record)
    night.add_notes(ledger.TABLE, sentences(record))


def refuse_older(night: Night, pointer: Pointer | None) -> None:
    """A backfill never flips: raise if a newer night is live."""
    live = ledger.live_day(ledger.read_rows(str(night.lake.place_of(ledger.TABLE))), pointer)
    if live is not None and night.ds < live:
        raise PublishFailed(f"refusing to publish an older night: {night.ds} is before {live}, which is live")


def heal(night: Night, client: Client, pointer: Pointer | None) -> Pointer | None:
    """Complete a killed rollback, update ``gold.epochs`` by the pointer, remove the keys of dead epochs.

    Returns the pointer afterwards.
    """
    table, rules = str(night.lake.place_of(ledger.TABLE)), night.settings.publish
    rows = ledger.read_rows(table)
    marked = ledger.rolled_back(rows)
    is_in_line = not ledger.in_line_with(pointer, rows, may_be_at_work=False)
    is_served = pointer is not None and not marked.isdisjoint(pointer.named)
    if is_in_line and not is_served and not (rows and rows[-1].epoch in marked):
        return pointer
    return settle(table, client, rules, may_be_at_work=False).pointer


def commit_built(night: Night, row: ledger.EpochRow) -> None:
    """Record the epoch as built, unless a later publish has declared it dead."""
    table = str(night.lake.place_of(ledger.TABLE))
    status = ledger.status_of(table, row.epoch)
    if status != LOADING:
        raise PublishFailed(f"epoch {row.epoch} is {status}: another publisher took over")
    ledger.record(table, [row])


def abandon(night: Night, client: Client, row: ledger.EpochRow) -> None:
    """Remove a failed epoch's keys and mark it bad, as far as Redis and the lake still answer."""
    try:
        pointer = epoch_store.read_pointer(client)
        if pointer is not None and pointer.names(row.epoch):
            return
        epoch_store.discard_epoch(client, row.epoch, night.settings.publish)
        ledger.record(str(night.lake.place_of(ledger.TABLE)), [replace(row, status="bad")])
    except FAILURES as error:
        print(f"epoch {row.epoch} could not be discarded now, the next publish will do it: {error}")


def explain(error: Exception) -> Exception:
    """A sentence for the operator about an error from an executor."""
    if isinstance(error, redis.exceptions.OutOfMemoryError):
        return PublishFailed("Redis ran out of memory during the load; raise maxmemory")
    text = str(error)
    if not isinstance(error, PublishFailed) and "PublishFailed: " in text:
        return PublishFailed(text.split("PublishFailed: ", 1)[1].splitlines()[0])
    return error


def finish(night: Night, client: Client, versions: dict[str, int]) -> None:
    """After the flip: lift suppressions that ended, remove older epochs, record who is current.

    The pointer is read again: a rollback may have come right after the flip.
    """
    suppression.apply(suppression.removals(night, versions), "SREM", night, partitions_of(night))
    live = epoch_store.read_pointer(client)
    narrowing.forget(client, live.named if live else ())
    settle(str(night.lake.place_of(ledger.TABLE)), client, night.settings.publish, may_be_at_work=False)
