"""Whether the light model chooses the candidates that the heavy one scores: only if it finds nearly all of the best.

Tonight's heavy model is tonight's judge: of some users both score every candidate.
"""

from dataclasses import replace
from functools import partial

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_jobs.night.night import Night
from spark_jobs.rules.night_model import light_of
from spark_jobs.score.candidate_scorer import Config, Light, count_recall
from spark_jobs.score.pair_stream import Inputs
from spark_jobs.score.post_vectors import PostSource

RECALL = "users BIGINT, best BIGINT, found BIGINT"


def with_light(night: Night, inputs: Inputs, config: Config) -> tuple[Config, str | None]:
    """``config`` with tonight's light model if it may choose, and a sentence about it; None if none is asked for."""
    rules, best_of = night.settings.cascade, night.settings.pool.size
    if not night.settings.models.light:
        return config, None
    model = light_of(night)
    if model is None:
        return config, "the night trained no light model, so the heavy model scores every candidate."
    light = Light(model, rules.heavy_candidates)
    assert isinstance(config.posts, PostSource), "a night reads its posts from tables"
    tried = replace(config, light=light, posts=replace(config.posts, has_light=True))
    judged = inputs.of(_some_users(inputs.candidates, light.most, rules.judged_users))
    users, best, found = _recall(judged, tried, best_of)
    if not best:
        return config, f"no user has more than {light.most:,} candidates, so the heavy model scores them all."
    share = found / best
    who = f"the {best_of} best candidates of each of {users:,} users by the heavy model"
    by = f"of {who}, {share:.1%} are among those that the light model {model.version} leaves to it"
    if share < rules.min_recall:
        return config, f"{by}, less than {rules.min_recall:.1%}: the heavy model scores every candidate."
    return tried, f"{by}; it scores only those."


def _some_users(candidates: DataFrame, most: int, num_users: int) -> DataFrame:
    """Users with more than ``most`` candidates, at most ``num_users``, drawn by hash."""
    many = candidates.groupBy("user_id").count().where(F.col("count") > most)
    return many.orderBy(F.xxhash64("user_id"), "user_id").limit(num_users).select("user_id")


def _recall(inputs: Inputs, config: Config, num_best: int) -> tuple[int, int, int]:
    """Number of users, of their best candidates by the heavy model, and of those that the light model leaves to it."""
    counted = inputs.stream(config.num_partitions).mapInArrow(partial(count_recall, config, num_best), RECALL)
    row = counted.agg(*(F.coalesce(F.sum(name), F.lit(0)).alias(name) for name in ("users", "best", "found"))).first()
    assert row is not None, "an aggregate without groups has one row"
    return row.users, row.best, row.found
