"""gold.training_examples: exposures whose label window has closed, with features as of the instant of exposure."""

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from contracts.features import Entity, Feature, example_columns, features_of, names_of
from contracts.heads import LABEL_COLUMNS
from contracts.settings import Settings
from spark_jobs.examples.exposures import logged_exposures, sampled_exposures
from spark_jobs.examples.labels import attributable, attribute, mature_labels
from spark_jobs.examples.left_out import left_out
from spark_jobs.examples.weights import weights_by_position, with_weights
from spark_jobs.examples.window import Window
from spark_jobs.night.feature_columns import with_defaults
from spark_jobs.night.night import Night
from spark_jobs.night.writers import write_partition
from spark_jobs.rules.context_columns import instant_columns, session_columns
from spark_jobs.rules.counters import counters_at, post_events
from spark_jobs.rules.location_columns import CARRIED, city_ratios, in_cities, join_cities, join_countries, location
from spark_jobs.rules.point_in_time import snapshot_day
from spark_jobs.rules.post_columns import complete_posts, describe_posts
from spark_jobs.rules.post_versions import all_versions, join_versions, with_deletions

TABLE = "gold.training_examples"
_CARRIED = (
    "example_id",
    "user_id",
    "post_id",
    "author_id",
    "shown_at",
    "surface",
    "position",
    "exposure",
    "propensity",
)


def transform(
    *,
    posts: DataFrame,
    edits: DataFrame,
    impressions: DataFrame,
    engagements: DataFrame,
    user_features: DataFrame,
    affinity_features: DataFrame,
    propensities: DataFrame,
    contents: DataFrame,
    locations: DataFrame,
    window: Window,
    settings: Settings,
) -> DataFrame:
    """Examples of the window, all days in one pass; grain: example_id.

    An exposure to a post of which nothing had been received by then is left out, as no night could have ranked the
    post; ``left_out`` counts them.
    """
    versions = all_versions(posts, edits)
    if settings.dataset.has_impressions:
        exposures = logged_exposures(impressions, window)
        latest = F.col("event_date") >= F.lit(window.first)
        # Ads are not examples, but an engagement after an ad must not be attributed to the organic impression before.
        shown = window.received(impressions.where(latest), "shown_at")
        shown = shown.select(F.col("impression_id").alias("example_id"), "user_id", "post_id", "shown_at")
    else:
        known = with_deletions(versions, posts)
        exposures = sampled_exposures(engagements, known, window, settings.negatives, settings.seed)
        shown = exposures
    points = describe_points(exposures.drop("request_id"), versions)
    featured = join_features(
        points,
        impressions=impressions,
        engagements=engagements,
        user_features=user_features,
        affinity_features=affinity_features,
        contents=contents,
        locations=locations,
        settings=settings,
    )
    labels = mature_labels(exposures, attribute(shown, attributable(engagements, window)), window)
    if settings.dataset.has_impressions:
        weights = weights_by_position(points, propensities, settings.propensities)
        weighted = with_weights(featured, weights)
    else:
        weighted = featured.withColumn("weight", F.lit(1.0).cast("float"))
    return (
        weighted.join(labels, "example_id", "left")
        .fillna(0.0, list(LABEL_COLUMNS))
        .withColumn("ds", F.to_date("shown_at"))
        .drop("surface")
    )


def describe_points(exposures: DataFrame, versions: DataFrame) -> DataFrame:
    """``exposures`` with features of the version of their post that could be seen then; no row if there was none."""
    described = join_versions(exposures, describe_posts(versions, "visible_from", "visible_until"), "shown_at")
    return described.where(F.col("created_at") <= F.col("shown_at"))


def feature_inputs(night: Night, window: Window) -> dict[str, DataFrame]:
    """The night's tables that ``join_features`` takes, under its names."""
    snapshots = F.date_add("ds", 1).between(F.lit(window.first), F.lit(window.last))
    return {
        "impressions": night.read("silver.impressions"),
        "engagements": night.read("silver.engagements"),
        "user_features": night.read("gold.user_features").where(snapshots),
        "affinity_features": night.read("gold.affinity_features").where(snapshots),
        "contents": night.read("gold.content_embeddings").where(F.col("ds") <= F.lit(night.ds)),
        "locations": night.read("gold.locations").where(F.col("ds") == F.lit(night.ds)),
    }


def join_features(
    points: DataFrame,
    *,
    impressions: DataFrame,
    engagements: DataFrame,
    user_features: DataFrame,
    affinity_features: DataFrame,
    contents: DataFrame,
    locations: DataFrame,
    settings: Settings,
) -> DataFrame:
    """``points`` with every example feature: counters as of ``shown_at``, snapshots taken at or before it.

    ``locations`` are those of the night, which it uses for scoring too; snapshots used those of their own day.
    """
    oldest = points.agg(F.to_date(F.min("created_at"))).first()
    # A post has no event and no reading from before it was created, so older partitions need not be read.
    first_day = F.lit(oldest[0] if oldest is not None else None)
    since = F.col("event_date") >= first_day
    events = post_events(impressions.where(since), engagements.where(since))
    counted = counters_at(events, points.withColumn("instant", F.col("shown_at")))
    completed = complete_posts(counted, user_features, contents.where(F.col("ds") >= first_day), settings.smoothing)
    frame = join_cities(completed, locations).select(
        *_CARRIED,
        *session_columns(),
        *(column.cast("double").alias(name) for name, column in in_cities().items()),
        "known_cities",
        F.col("created_at").alias("post_created_at"),
        F.col("num_likes").alias("num_prior_likes"),
        snapshot_day("shown_at").alias("snapshot"),
        *(F.col(name).alias(f"post_{name}") for name in names_of("post")),
    )
    frame = _join_snapshot(frame, user_features, "user", ["user_id"], CARRIED)
    located = {"location": location(), **city_ratios(settings.smoothing)}
    frame = join_countries(frame, locations).withColumns(
        {f"user_{name}": column.cast("float") for name, column in located.items()}
    )
    frame = _join_snapshot(frame, affinity_features, "pair", ["user_id", "author_id"])
    frame = frame.withColumns({feature.example_column: _context(feature) for feature in features_of("context")})
    return frame.select(*_CARRIED, "post_created_at", "num_prior_likes", *example_columns())


def _context(feature: Feature) -> Column:
    """The value of the instant or the log; if the log has none, the value that is expected of the user."""
    at = instant_columns(F.col("shown_at"))
    logged = at[feature.name] if feature.name in at else F.coalesce(feature.name, f"user_{feature.expected}")
    return logged.cast("float")


def _join_snapshot(
    frame: DataFrame, features: DataFrame, entity: Entity, keys: list[str], carried: Sequence[str] = ()
) -> DataFrame:
    """Features of the newest snapshot taken by the instant; the registry's defaults if it has no row."""
    snapshot = features.select(
        *keys,
        *carried,
        F.col("ds").alias("snapshot"),
        *(F.col(feature.name).alias(feature.example_column) for feature in features_of(entity)),
    )
    joined = frame.join(snapshot, [*keys, "snapshot"], "left")
    return with_defaults(joined, {feature.example_column: feature for feature in features_of(entity)})


def main(night: Night) -> None:
    """Build every day of the training window, in one commit.

    A rerun writes the same files with rows in the same order, because the trainer reads them in that order.
    """
    window = Window.of(night)
    night.add_notes(TABLE, left_out(night, window))
    frame = transform(
        posts=night.read("silver.posts"),
        edits=night.read("silver.post_edits"),
        propensities=night.read("gold.propensities").where(F.col("ds") == F.lit(night.ds)),
        **feature_inputs(night, window),
        window=window,
        settings=night.settings,
    )
    ordered = frame.repartition(night.settings.example_files, "example_id")
    ordered = ordered.sortWithinPartitions("ds", "shown_at", "example_id")
    write_partition(night.lake, TABLE, ordered, window.days)
