"""A lake in which a sentence encoder is installed, replaced and removed, by a fake package that workers import."""

import importlib
from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest
from pyspark.errors import PythonException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from contracts.features import TOPICS
from models.content import sentences
from spark_jobs.features.post import content_embeddings, content_models
from spark_jobs.night.gate.gate import run_gate
from spark_jobs.night.lake import Lake, checksum
from spark_jobs.night.night import Night
from spark_jobs.night.writers import write_partition
from tests import fake_encoder
from tests.silver_rows import at, put

MODELS, TABLE = "gold.content_models", "gold.content_embeddings"
ENCODER = f"{fake_encoder.PACKAGE} 1.0"
TEXTS = ("the coach before the match and the goal", "a spice from the kitchen with another noodle")


@pytest.fixture(scope="module", autouse=True)
def _package(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The fake package where driver and workers find it, under a name that no job asks for by itself."""
    spark.sparkContext.addPyFile(str(fake_encoder.packed(tmp_path_factory.mktemp("package"))))
    importlib.invalidate_caches()


@pytest.fixture
def night(lake: Lake, make_night: Callable[..., Night]) -> Night:
    written = {"author_id": 7, "created_at": at(5, 10)}
    topics = ("sports", "food")
    rows = [{**written, "post_id": n, "text": TEXTS[n % 2], "hashtags": [topics[n % 2]]} for n in range(30)]
    others = {40: ("the goal", []), 41: ("10 + 1", ["food"])}
    posts = [{**rows[0], "post_id": n, "text": text, "hashtags": tags} for n, (text, tags) in others.items()]
    put(lake, "silver.posts", [*rows, *posts])
    return make_night(date(2026, 3, 7))


def has(monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    monkeypatch.setattr(sentences, "PACKAGE", package)


def build(night: Night, day: int) -> Night:
    tonight = replace(night, ds=date(2026, 3, day))
    content_models.main(tonight)
    content_embeddings.main(tonight)
    return tonight


def failures(night: Night) -> dict[str, int | None]:
    return {r["expectation"]: r["unexpected_count"] for r in run_gate(night, MODELS)["results"] if not r["success"]}


def read_on(night: Night, day: int) -> DataFrame:
    return night.read(TABLE).where(F.col("ds") == F.lit(date(2026, 3, day)))


@pytest.mark.slow
def test_embeddings_follow_the_encoder_that_is_installed(
    night: Night, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    has(monkeypatch, "feedlake-no-such-package")
    build(night, 7)
    words = content_models.load_model(night.read(MODELS), date(2026, 3, 7))
    assert (words.encoder, capsys.readouterr().out) == (None, "")

    has(monkeypatch, fake_encoder.PACKAGE)
    tonight = build(night, 8)
    message = f"{MODELS}: the model of 2026-03-07 reads by words, and {ENCODER} is installed: a new one is fitted"
    assert message in capsys.readouterr().out
    model = content_models.load_model(night.read(MODELS), tonight.ds)
    assert (model.encoder, model.vectors.shape) == (ENCODER, (fake_encoder.DIMENSIONS, 50))
    assert {row.content_version for row in read_on(night, 8).collect()} == {model.version}
    assert model.version != words.version
    posts = {row.post_id: row for row in read_on(night, 8).collect()}
    assert posts.keys() == {*range(30), 40, 41}  # all posts are read anew
    assert posts[0].embedding == posts[2].embedding != posts[1].embedding
    assert not any(posts[41].embedding)  # no word
    assert TOPICS[posts[40].topics.index(max(posts[40].topics))] == "sports"  # words go on to vote
    assert all(run_gate(tonight, name)["success"] for name in (MODELS, TABLE))
    kept = [checksum(night.read(name)) for name in (MODELS, TABLE)]
    build(night, 8)
    assert [checksum(night.read(name)) for name in (MODELS, TABLE)] == kept

    put(night.lake, "silver.posts", [{"post_id": 50, "author_id": 7, "created_at": at(8, 9), "text": TEXTS[0]}])
    build(night, 9)
    assert [row.post_id for row in read_on(night, 9).collect()] == [50]
    assert capsys.readouterr().out == ""

    has(monkeypatch, "feedlake-no-such-package")
    build(night, 10)
    assert f"reads by {ENCODER}, and no encoder is installed: a new one is fitted" in capsys.readouterr().out
    again = content_models.load_model(night.read(MODELS), date(2026, 3, 10))
    assert again.encoder is None
    assert read_on(night, 10).count() == night.read("silver.posts").count()


def test_a_stored_model_is_the_model_that_was_fitted_and_a_worker_refuses_to_read_for_another(
    night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    has(monkeypatch, fake_encoder.PACKAGE)
    content, posts = night.settings.content, night.read("silver.posts")
    fitted = content_models.transform(posts, content, night.settings.seed, encoder=ENCODER)
    content_models.main(night)
    loaded = content_models.load_model(night.read(MODELS), night.ds)
    assert (loaded.encoder, loaded.version) == (ENCODER, fitted.version)
    unread = night.read(TABLE).select("post_id", "text_hash")
    stranger = replace(loaded, encoder=f"{fake_encoder.PACKAGE} 2.0")
    with pytest.raises(PythonException, match="make encoder"):
        content_embeddings.transform(posts, unread, stranger, content).collect()


BROKEN = (
    ("encoder IS NULL AND bucket % 2 = 0", "vector", "array(float(1))"),  # a word with a vector
    ("encoder IS NOT NULL AND bucket = 0", "vector", "array()"),  # a dimension without one
    ("encoder IS NOT NULL AND bucket = 1", "votes", "array(float(1))"),  # a dimension that votes
    ("encoder IS NULL AND bucket % 2 = 1", "votes", "array()"),  # a word that does not
)


def test_the_gate_finds_rows_that_do_not_belong(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    has(monkeypatch, fake_encoder.PACKAGE)
    content_models.main(night)
    sound = night.read(MODELS).localCheckpoint()
    broken, num_broken = sound, 0
    for where, column, value in BROKEN:
        wrong = F.when(F.expr(where), F.expr(f"CAST({value} AS ARRAY<FLOAT>)")).otherwise(F.col(column))
        broken, found = broken.withColumn(column, wrong), sound.where(where).count()
        assert found > 0
        num_broken += found
    write_partition(night.lake, MODELS, broken, [night.ds])
    assert failures(night) == {"finite_and_equally_long": num_broken}
    other = F.when(F.col("bucket") == 0, F.lit("another 1.0")).otherwise(F.col("encoder"))
    write_partition(night.lake, MODELS, sound.withColumn("encoder", other), [night.ds])
    assert "one_model_a_night" in failures(night)
