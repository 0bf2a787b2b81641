"""A sketch of authors estimates their shares without bias."""

import numpy as np
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from contracts.features import default_of
from spark_jobs.rules.creator_sketch import sketch_of


def sketches(spark: SparkSession) -> DataFrame:
    return spark.range(20_000).select("id", sketch_of(F.col("id")).alias("sketch"))


def test_a_sketch_tells_an_author_s_share_rightly_in_the_mean(spark: SparkSession) -> None:
    drawn = np.array([row.sketch for row in sketches(spark).orderBy("id").collect()])
    assert (np.abs(drawn).sum(1) == 1).all()
    assert np.abs(drawn).mean(0) == pytest.approx(1 / 8, abs=0.01)
    assert drawn.mean(0) == pytest.approx(0, abs=0.01)
    # Users with ten authors each, the first with half of the engagements.
    shares = np.array([0.5, *[0.5 / 9] * 9])
    users = drawn.reshape(-1, 10, 8)
    affinity = np.einsum("uas,a->us", users, shares)
    for place, share in enumerate(shares[:2]):
        estimated = (affinity * users[:, place]).sum(1)
        assert estimated.mean() == pytest.approx(share, abs=0.01)
    strangers = (affinity * np.roll(users[:, 0], 1, axis=0)).sum(1)
    assert strangers.mean() == pytest.approx(0, abs=0.01)


def test_an_unknown_author_has_the_default_sketch(spark: SparkSession) -> None:
    row = spark.range(1).select(sketch_of(F.lit(None).cast("bigint")).alias("sketch")).first()
    assert row is not None
    assert row.sketch == [default_of("post", "creator_sketch")] * 8
