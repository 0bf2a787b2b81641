"""Every feature of the registry is computed by its job, and a job computes none that the registry lacks."""

from pyspark.sql import SparkSession

from contracts.features import names_of
from contracts.pipeline import BY_NAME
from contracts.settings import FeatureRules, Smoothing
from spark_jobs.features.pair.affinity_features import pair_columns
from spark_jobs.features.user.user_columns import user_columns
from spark_jobs.night.ddl import read_schema
from spark_jobs.night.gate.rows import OnSpark
from spark_jobs.night.gate.suites import expect, load_suite
from spark_jobs.rules.context_columns import day_context, instant_columns, session_columns
from spark_jobs.rules.location_columns import in_cities
from spark_jobs.rules.post_columns import complete_posts, describe_posts
from tests.silver_rows import at, silver


def test_users(spark: SparkSession) -> None:
    del spark  # columns need a session
    assert set(user_columns(Smoothing())) == set(names_of("user"))


def test_pairs(spark: SparkSession) -> None:
    del spark
    assert set(pair_columns(28, Smoothing(), FeatureRules())) == set(names_of("pair"))


def test_posts(spark: SparkSession) -> None:
    points = describe_posts(silver(spark, "silver.posts")).selectExpr(
        "*",
        *(f"0L AS num_{name}" for name in ("views", "likes", "comments", "shares", "negatives")),
        "created_at AS instant",
    )
    users = spark.createDataFrame([], read_schema("gold.user_features"))
    contents = spark.createDataFrame([], read_schema("gold.content_embeddings"))
    completed = complete_posts(points, users, contents, Smoothing())
    others = {"post_id", "author_id", "created_at", "text_at", "instant"}
    features = {name for name in completed.columns if name not in others and not name.startswith("num_")}
    assert features == set(names_of("post"))


def test_the_context(spark: SparkSession) -> None:
    instant = spark.range(1).selectExpr(f"timestamp'{at(8, 13):%Y-%m-%d %H:%M:%S}+00:00' AS t")["t"]
    assert {*instant_columns(instant), *session_columns(), *in_cities()} == set(names_of("context"))
    assert set(day_context(at(8).date())) <= set(instant_columns(instant))


def test_the_day_has_the_same_context_in_both_languages(spark: SparkSession) -> None:
    for day in range(1, 9):
        frame = spark.range(1).selectExpr(f"timestamp'{at(day, 13):%Y-%m-%d %H:%M:%S}+00:00' AS t")
        expected = day_context(at(day).date())
        [row] = frame.select(*(instant_columns(frame["t"])[name].alias(name) for name in expected)).collect()
        assert all(abs(row[name] - value) < 1e-9 for name, value in expected.items()), (row, expected)


def test_what_is_no_number_or_infinite_breaks_the_expectation_of_its_feature(spark: SparkSession) -> None:
    poison = {name: "NaN" if at % 2 else "Infinity" for at, name in enumerate(names_of("pair"))}
    frame = spark.range(1).selectExpr(*(f"float('{value}') AS {name}" for name, value in poison.items()))
    results = expect(OnSpark(frame), load_suite(BY_NAME["gold.affinity_features"]), 1)
    assert {result["column"] for result in results if not result["success"]} == set(poison)
