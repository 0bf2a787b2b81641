"""Publish a night: build its epoch in Redis beside the live one, verify it, make it current by one SET.

Row of ``gold.epochs`` per epoch: ``building`` before its first key, ``built`` once every key was read back, ``current``
after the flip. Killed anywhere, a publish leaves the live epoch as it was; the next one marks the dead epoch ``bad``,
removes its keys and starts a new one. The pointer in Redis is the truth: a publish killed between the flip and the
table's update is completed by the next, and so is a rollback killed before its flip.
"""

import json
import time
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime

import redis

from contracts.epoch_status import LOADING, standing
from contracts.epochs import Pointer
from spark_jobs.night.night import Night
from spark_jobs.publish import epoch_store, ledger, narrowing, suppression
from spark_jobs.publish.building import (
    Stopwatch,
    build,
    estimate_bytes,
    measure,
    partitions_of,
    read_content,
    summarise,
)
from spark_jobs.publish.epoch_store import PublishFailed
from spark_jobs.publish.manifest import describe, pin_versions, read_audit
from spark_jobs.publish.rollback import refuse_rolled_back, withdraw


def main(night: Night) -> None:
    """Publish the night; raises ``PublishFailed``, with the live epoch untouched, where that cannot be done."""
    audit, watch, rules = read_audit(night), Stopwatch(), night.settings.publish
    night.lake.create(ledger.TABLE)
    table = str(night.lake.place_of(ledger.TABLE))
    with closing(epoch_store.connect(night.redis_url, rules)) as client:
        epoch_store.check_policy(client)
        pointer = epoch_store.read_pointer(client)
        refuse_older(night, pointer)
        with watch.phase("heal"):
            pointer = heal(night, client, pointer)
        versions = pin_versions(night, audit)
        facts = describe(night, versions)
        content = read_content(night, versions)
        content.frames["card"].persist()
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
                before = standing(pointer, ledger.rolled_back(rows))
                live = succeed(pointer, row.epoch, before[0] if before else None, time.time())
                epoch_store.flip(client, pointer, live)
            except Exception as error:
                abandon(night, client, row)
                raise explain(error) from error
        finally:
            content.frames["card"].unpersist()
        with watch.phase("finish"):
            finish(night, client, versions)
    report = {"epoch": row.epoch, **summary, "seconds": watch.seconds, "published_at": datetime.now(UTC).isoformat()}
    night.files.publish.write(report)


def succeed(pointer: Pointer | None, epoch: int, previous: int | None, now: float) -> Pointer:
    """The pointer that replaces ``pointer`` and makes ``epoch`` current."""
    return Pointer(epoch, previous, int(now)) if pointer is None else pointer.next(epoch, previous, now)


def refuse_older(night: Night, pointer: Pointer | None) -> None:
    """A backfill never flips: raise where a newer night is live."""
    live = ledger.live_day(ledger.read_rows(str(night.lake.place_of(ledger.TABLE))), pointer)
    if live is not None and night.ds < live:
        raise PublishFailed(f"refusing to publish an older night: {night.ds} is before {live}, which is live")


def heal(night: Night, client: "redis.Redis", pointer: Pointer | None) -> Pointer | None:
    """Complete a rollback that died, bring ``gold.epochs`` in line with the pointer, remove what died left behind.

    Returns the pointer as it is then.
    """
    table, rules = str(night.lake.place_of(ledger.TABLE)), night.settings.publish
    rows = ledger.read_rows(table)
    pointer = withdraw(client, pointer, ledger.rolled_back(rows))
    keep = epochs_of(pointer)
    corrected = ledger.in_line_with(pointer, rows)
    if corrected or (rows and rows[-1].epoch in ledger.rolled_back(rows)):
        # Keys first: a row that says bad or retired says that its keys are gone.
        epoch_store.discard_epochs(client, lambda epoch: epoch not in keep, rules)
        ledger.record(table, corrected)
    return pointer


def epochs_of(pointer: Pointer | None) -> set[int]:
    """Epochs whose keys must stay."""
    return set(standing(pointer, ()))


def commit_built(night: Night, row: ledger.EpochRow) -> None:
    """Record the epoch as built, unless a later publish has declared it dead."""
    table = str(night.lake.place_of(ledger.TABLE))
    status = ledger.status_of(table, row.epoch)
    if status != LOADING:
        raise PublishFailed(f"epoch {row.epoch} is {status}: another publisher took over")
    ledger.record(table, [row])


def abandon(night: Night, client: "redis.Redis", row: ledger.EpochRow) -> None:
    """Remove a failed epoch's keys and mark it bad, as far as Redis and the lake still answer."""
    try:
        if row.epoch in epochs_of(epoch_store.read_pointer(client)):
            return
        epoch_store.discard_epoch(client, row.epoch, night.settings.publish)
        ledger.record(str(night.lake.place_of(ledger.TABLE)), [replace(row, status="bad")])
    except (redis.RedisError, OSError) as error:
        print(f"epoch {row.epoch} could not be discarded now, the next publish will do it: {error}")


def explain(error: Exception) -> Exception:
    """The operator's sentence for an error that came back from an executor."""
    if isinstance(error, redis.exceptions.OutOfMemoryError):
        return PublishFailed("Redis ran out of memory during the load; raise maxmemory")
    text = str(error)
    if not isinstance(error, PublishFailed) and "PublishFailed: " in text:
        return PublishFailed(text.split("PublishFailed: ", 1)[1].splitlines()[0])
    return error


def finish(night: Night, client: "redis.Redis", versions: dict[str, int]) -> None:
    """After the flip: lift suppressions that ended, remove older epochs, record who is current.

    What is current is read anew: a rollback may have come right after the flip.
    """
    table = str(night.lake.place_of(ledger.TABLE))
    suppression.apply(suppression.removals(night, versions), "SREM", night, partitions_of(night))
    live = epoch_store.read_pointer(client)
    keep = epochs_of(live)
    narrowing.forget(client, keep)
    epoch_store.discard_epochs(client, lambda epoch: epoch not in keep, night.settings.publish)
    ledger.record(table, ledger.in_line_with(live, ledger.read_rows(table)))
