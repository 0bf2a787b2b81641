"""One pass: bring the posts that landed since the night into the feeds of every epoch that is served.

A pass is a function of landing area, lake and epoch. It writes to Redis only, and the same again if it is repeated, so
it can be killed anywhere.
"""

import json
import time
from contextlib import closing
from dataclasses import asdict, replace
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from contracts.features import schema_hash
from contracts.redis_keys import FRESHNESS_KEY
from contracts.settings.hashes import hash_of
from spark_jobs.fresh.described_posts import described
from spark_jobs.fresh.landed_posts import ended_ties, landed_events, landed_posts
from spark_jobs.fresh.ranked_posts import best_of, candidates_of, policy_on, scored
from spark_jobs.fresh.written_posts import write
from spark_jobs.night.night import Night
from spark_jobs.publish import entries, epoch_store, ledger
from spark_jobs.rules.counters import POSITIVE_COUNTS
from spark_jobs.rules.policy import labelled_posts
from spark_jobs.rules.visibility import read_edges
from storage.redis_clients import Client


class PassRefusedError(Exception):
    """The pass cannot rank posts among the pools of the epoch; the message says why. Feeds go on without it."""


def run_pass(night: Night) -> list[str]:
    """Bring every epoch that readers read up to date; returns a sentence for each.

    The day of ``night`` does not matter: each epoch has its own. Raises ``PassRefusedError``.
    """
    with closing(epoch_store.connect(night.redis_url, night.settings.publish)) as client:
        pointer = epoch_store.read_pointer(client)
        if pointer is None:
            return ["no epoch is served, so no feed waits for posts"]
        started = int(time.time())
        rows = {row.epoch: row for row in ledger.read_rows(str(night.lake.place_of(ledger.TABLE)))}
        read = [epoch for epoch in (pointer.stable, pointer.canary.epoch if pointer.canary else None) if epoch]
        sentences = []
        for epoch in read:
            if epoch not in rows:
                raise PassRefusedError(f"Redis serves epoch {epoch}, which gold.epochs does not know: is it this lake?")
            of_epoch = replace(night, ds=rows[epoch].ds)
            try:
                sentences.append(bring_up_to_date(of_epoch, client, epoch, json.loads(rows[epoch].manifest)))
            except PassRefusedError as error:
                if epoch == pointer.stable:
                    raise
                sentences.append(str(error))  # a canary may be of other settings
        client.set(FRESHNESS_KEY, started)
        return sentences


def bring_up_to_date(night: Night, client: Client, epoch: int, manifest: dict[str, Any]) -> str:
    """Write the posts that landed since ``night``, which made the epoch; returns a sentence about it."""
    refuse_others(night, epoch, manifest)
    # Each step is computed before the next is planned: Spark would plan one query of all of them for minutes.
    events = landed_events(night).localCheckpoint()
    landed = landed_posts(night, events).localCheckpoint()
    num_posts = landed.count()
    if not num_posts:
        return f"epoch {epoch}: nobody has posted since {night.ds}"
    live = landed.where(~F.col("is_deleted") & (F.col("source_type") == "friend"))
    lists = lists_of(night, landed, live, ended_ties(events), manifest["model_version"]).localCheckpoint()
    written = write(night, client, epoch, cards_of(night, live, lists), lists)
    if written is None:
        return f"epoch {epoch} is not served any more"
    return f"epoch {epoch}: {num_posts:,} posts since {night.ds}, {written[1]:,} places in {written[0]:,} feeds"


def refuse_others(night: Night, epoch: int, manifest: dict[str, Any]) -> None:
    """Raise if these settings or this code would give scores that cannot be compared with those of the pools."""
    if manifest["weights"] != hash_of(asdict(night.settings.value)):
        raise PassRefusedError(f"epoch {epoch} was ranked by other value weights: give the night's settings file")
    if manifest["feature_schema"] != schema_hash():
        raise PassRefusedError(f"epoch {epoch} was ranked by other features: posts wait for the next night")


def lists_of(night: Night, landed: DataFrame, live: DataFrame, ended: DataFrame, model_version: str) -> DataFrame:
    """The lists of all users who have one or may have had one before (``written_posts.write``).

    ``landed`` are all posts since the night, ``live`` those of them that friends may be shown, ``ended`` the ties
    (user_id, friend_id) that have ended since.
    """
    facts, edges = described(night, live), read_edges(night)
    policy = policy_on(night, facts)
    # Readers know an ended tie from the next publish on only, and its author may have posted after it ended.
    still = replace(edges, friends=edges.friends.join(ended, ["user_id", "friend_id"], "left_anti"))
    candidates = candidates_of(night, live, still, policy).localCheckpoint()
    scores = scored(night, candidates, facts, model_version)
    best = best_of(scores.select("user_id", "post_id", "author_id", "value_score"), night.settings.fresh)
    sensitive = labelled_posts(policy.flagged, night.settings.ads.sensitive).withColumn("is_sensitive", F.lit(col=True))
    shown = live.select("post_id", "source_id", "source_type", "content_type", "privacy", "created_at")
    rows = best.join(shown, "post_id", "inner").join(sensitive, "post_id", "left")
    certain = {"reason": F.lit("friend_posted"), "is_exploration": F.lit(col=False), "propensity": F.lit(1.0)}
    pools = entries.code_pools(rows.withColumns(certain))
    # A friend who may see no post any more, deleted, narrowed or of an ended tie, loses the list.
    authors = landed.select(F.col("author_id").alias("friend_id")).distinct()
    may_have_one = edges.friends.join(authors, "friend_id", "left_semi").select("user_id").distinct()
    return may_have_one.join(pools, "user_id", "full_outer")


def cards_of(night: Night, posts: DataFrame, lists: DataFrame) -> DataFrame:
    """Cards of the posts in ``lists``, which nobody has engaged with as far as the night knows."""
    none = {name: F.lit(0).cast("bigint") for name in POSITIVE_COUNTS}
    shown = lists.select("post_id").where(F.col("post_id").isNotNull()).distinct()
    names = entries.source_names(night.read("silver.pages"), night.read("silver.groups"))
    return entries.cards(shown, posts.withColumns(none), entries.latest_names(night.read("silver.users")), names)
