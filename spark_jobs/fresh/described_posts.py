"""What the night's models read of posts that it did not have: texts, features, risks. Nothing is fitted here.

A post is described as of the night, like those of the pools: it has no age and no engagement yet.
"""

from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from contracts.features import names_of
from contracts.landing import LABELS
from contracts.shape import NUM_BUCKETS
from spark_jobs.features.post import content_embeddings, content_risks
from spark_jobs.features.post.content_models import load_model
from spark_jobs.features.post.label_evidence import seen_verdicts, with_author_rates
from spark_jobs.features.post.label_inputs import inputs_of
from spark_jobs.features.post.label_models import load_models
from spark_jobs.night.night import Night
from spark_jobs.rules.counters import COUNTERS
from spark_jobs.rules.post_columns import complete_posts, describe_posts

_NO_RISKS = "post_id BIGINT, text_at TIMESTAMP, " + ", ".join(f"{label} FLOAT" for label in LABELS) + ", ds DATE"


@dataclass(frozen=True)
class Described:
    """``features`` (post_id, author_id, post features), and ``risks`` with columns of ``gold.content_risks``."""

    features: DataFrame
    risks: DataFrame


def described(night: Night, posts: DataFrame) -> Described:
    """Features and risks of ``posts``, rows of silver.posts."""
    tonight = F.lit(night.ds).alias("ds")
    content, model = night.settings.content, load_model(night.read("gold.content_models"), night.ds)
    unread = night.read("gold.content_embeddings").select("post_id", "text_hash").limit(0)
    readings = content_embeddings.transform(posts, unread, model, content).select("*", tonight).localCheckpoint()
    none = {name: F.lit(0).cast("bigint") for name in COUNTERS}
    points = describe_posts(posts).withColumns({**none, "instant": F.lit(night.as_of)})
    authors = night.read_tonight("gold.user_features")
    features = complete_posts(points, authors, readings, night.settings.smoothing)
    risks = _risks(night, posts, readings, model.version)
    chosen = features.select("post_id", "author_id", *names_of("post"))
    return Described(chosen.localCheckpoint(), risks.localCheckpoint())


def _risks(night: Night, posts: DataFrame, readings: DataFrame, content_version: str) -> DataFrame:
    """The risks by the night's label models; none if there are no models of these readings."""
    models = load_models(night.read("gold.label_models"), night.ds)
    if models is None or models.content_version != content_version:
        return night.spark.createDataFrame([], _NO_RISKS)
    points = inputs_of(posts, readings, night.settings.content).withColumn("instant", F.lit(night.as_of))
    others = night.read("silver.posts").join(posts.select("author_id").distinct(), "author_id", "left_semi")
    rated = with_author_rates(points, seen_verdicts(night), others, night.settings.labels)
    return content_risks.transform(rated, models, NUM_BUCKETS).withColumn("ds", F.lit(night.ds))
