"""The packaged sentence encoder on paraphrases, a real site's questions and simulated posts.

Beside it, the same texts read by words, as every night does that has no encoder.
"""

import os
import subprocess
import sys
import time
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

pytest.importorskip("scipy", reason="only the lake environment reads texts")

import pyarrow as pa

from contracts.settings import Content
from models.content.sentences import installed, sentence_vectors
from spark_jobs.features.post import content_embeddings, content_models
from spark_jobs.rules.user_batches import float_matrix
from spark_jobs.simulate.posts import hashtags, posts
from spark_jobs.simulate.texts import text
from spark_jobs.simulate.world import World

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped]

pytestmark = pytest.mark.skipif(installed() is None, reason="needs the packaged sentence encoder: run `make encoder`")

ROOT = Path(__file__).resolve().parents[2]
DUMP = ROOT / "../shared/data/stackexchange_quantum"
WORLD = World(users=700, days=3, seed=20, end_date=date(2026, 3, 8))
CONTENT = Content(sample_sentences=1500)
NEIGHBOURS = 10
PARAPHRASES = (
    (
        "We walked down to the harbour and watched the boats come in.",
        "The ships were arriving as we strolled by the port.",
    ),
    ("My laptop crashes since I installed the new driver.", "The notebook keeps freezing after that graphics update."),
    ("The striker scored twice before half-time.", "He put the ball into the net two times in the opening 45 minutes."),
    ("She bakes her own bread every Sunday.", "Each weekend she makes a fresh loaf at home."),
    ("Rents in this city are far too high.", "Nobody can afford an apartment here any more."),
    ("The doctor told him to rest for a week.", "His physician ordered seven days in bed."),
    ("Their first child was born last night.", "They became parents yesterday evening."),
    ("The concert was sold out within minutes.", "Every ticket for the gig was gone almost immediately."),
)
"""Two sentences of one meaning and next to no common words; written for this test."""

OFFLINE = """
import socket, sys
def refuse(*_): raise OSError("no network here")
socket.socket.connect = socket.getaddrinfo = refuse
import pyarrow as pa
from models.content.sentences import installed, sentence_vectors
texts = sys.stdin.read().splitlines()
vectors = sentence_vectors(pa.array(texts), pa.array([[1]] * len(texts), pa.list_(pa.int32())), installed())
sys.stdout.write(vectors.tobytes().hex())
"""


def vectors_of(texts: list[str]) -> np.ndarray:
    return sentence_vectors(pa.array(texts), pa.array([[1]] * len(texts), pa.list_(pa.int32())), str(installed()))


def embeddings(rows: DataFrame, *readers: str) -> dict[str, np.ndarray]:
    """Embeddings of ``rows`` (post_id, text) in the order of their ids, by the words and by the encoder."""
    written = rows.withColumns(
        {"hashtags": F.array().cast("array<string>"), "updated_at": F.lit("2026-03-01").cast("timestamp")}
    ).persist()
    nothing_known = rows.sparkSession.createDataFrame([], "post_id BIGINT, text_hash BIGINT")
    found = {}
    for name in readers or ("words", "encoder"):
        model = content_models.transform(written, CONTENT, seed=20, encoder=None if name == "words" else installed())
        read = content_embeddings.transform(written, nothing_known, model, CONTENT)
        table = read.select("post_id", "embedding").toArrow().sort_by("post_id").combine_chunks()
        found[name] = float_matrix(table.column("embedding").chunk(0))
    return found


def neighbours(vectors: np.ndarray, count: int) -> np.ndarray:
    """The rows nearest to each row, itself left out."""
    similarity = vectors @ vectors.T
    np.fill_diagonal(similarity, -np.inf)
    return np.argsort(-similarity, axis=1, kind="stable")[:, :count]


def test_a_paraphrase_is_nearer_than_anything_else(spark: SparkSession) -> None:
    texts = [text for pair in PARAPHRASES for text in pair]
    partner = np.arange(len(texts)) ^ 1
    whole = vectors_of(texts)
    cosines = (whole @ whole.T)[np.triu_indices(len(texts), 1)]
    of_pairs = (whole * whole[partner]).sum(1)
    rows = spark.createDataFrame(list(enumerate(texts)), "post_id BIGINT, text STRING")
    found = {"384 dimensions": whole, **embeddings(rows)}
    right = {name: round(float((neighbours(read, 1)[:, 0] == partner).mean()), 2) for name, read in found.items()}
    print(f"cosine of paraphrases {of_pairs.mean():.2f} ({of_pairs.min():.2f} to {of_pairs.max():.2f}), ", end="")
    print(f"of any two texts {cosines.mean():.2f}; share of texts whose nearest is their paraphrase: {right}")
    assert right["384 dimensions"] == right["encoder"] == 1


@pytest.mark.skipif(not DUMP.exists(), reason="needs ../shared/data/stackexchange_quantum")
def test_real_questions_are_near_those_that_people_linked_them_to(spark: SparkSession) -> None:
    reader = spark.read.format("xml").options(rowTag="row", attributePrefix="")
    dump = reader.schema("Id BIGINT, PostTypeId INT, Title STRING, Tags STRING").load(str(DUMP / "Posts.xml"))
    asked = dump.where("PostTypeId = 1").select(F.col("Id").alias("post_id"), F.col("Title").alias("text"), "Tags")
    table: pd.DataFrame = asked.orderBy("post_id").toPandas()
    place = {post_id: row for row, post_id in enumerate(table["post_id"])}
    links = reader.schema("PostId BIGINT, RelatedPostId BIGINT").load(str(DUMP / "PostLinks.xml")).collect()
    pairs = np.array([(place[a], place[b]) for a, b in links if a in place and b in place])
    tags = [set(line.strip("<>").split("><")) for line in table["Tags"]]
    shared = np.array([[bool(mine & theirs) for theirs in tags] for mine in tags])
    chance = shared[~np.eye(len(tags), dtype=bool)].mean()
    print(f"{len(table)} titles of real questions, {len(pairs)} links; any two share a tag: {chance:.3f}")
    ranks, shares = {}, {}
    for name, vectors in embeddings(asked.drop("Tags")).items():
        similarity = vectors @ vectors.T
        linked = similarity[pairs[:, 0], pairs[:, 1]]
        ranks[name] = (similarity[pairs[:, 0]] > linked[:, None]).mean(1)
        shares[name] = shared[np.arange(len(tags))[:, None], neighbours(vectors, NEIGHBOURS)].mean()
        print(
            f"  {name}: {shares[name]:.3f} of the {NEIGHBOURS} nearest share a tag; nearer than a linked question: ",
            end="",
        )
        print(f"{np.median(ranks[name]):.3f} of all (median)")
    assert shares["encoder"] > 1.5 * chance
    assert shares["encoder"] > shares["words"]
    assert np.median(ranks["encoder"]) < min(0.1, np.median(ranks["words"]))


@pytest.mark.slow
def test_neighbours_share_a_topic_in_a_simulated_network_and_a_rerun_reads_the_same(spark: SparkSession) -> None:
    written = posts(spark, WORLD).withColumns({"text": text(WORLD, hashtags())})
    truth: pd.DataFrame = written.select("post_id", "topic", "language").orderBy("post_id").toPandas()
    shared = truth["topic"].to_numpy()[:, None] == truth["topic"].to_numpy()
    chance, everyone = shared[~np.eye(len(truth), dtype=bool)].mean(), np.arange(len(truth))[:, None]
    language = truth["language"].to_numpy()
    found = embeddings(written.select("post_id", "text"))
    print(f"{len(truth):,} simulated posts, of which any two share their first topic: {chance:.3f}")
    for name, vectors in found.items():
        near = neighbours(vectors, NEIGHBOURS)
        share, same = shared[everyone, near], (language[near] == language[:, None]).mean()
        by_language = {k: round(float(share[language == k].mean()), 2) for k in sorted(set(language))}
        print(
            f"  {name}: {share.mean():.3f} of the {NEIGHBOURS} nearest ({by_language}); {same:.3f} share the language"
        )
        assert share.mean() > 2 * chance
    again = embeddings(written.select("post_id", "text"), "encoder")
    assert again["encoder"].tobytes() == found["encoder"].tobytes()


def test_no_network_is_asked_and_a_core_reads_as_fast_as_said(tmp_path: Path) -> None:
    texts = [text for pair in PARAPHRASES for text in pair]
    whole = vectors_of(texts)
    started = time.process_time()
    vectors_of(texts * 20)
    taken = time.process_time() - started
    print(f"one core reads {20 * len(texts) / taken:,.0f} sentences a second")
    assert 20 * len(texts) / taken > 20
    homeless = {**os.environ, "HOME": str(tmp_path), "HF_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", OFFLINE],
        input="\n".join(texts),
        env=homeless,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert bytes.fromhex(done.stdout) == whole.tobytes()
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
