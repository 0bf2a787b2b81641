"""What a new post promises, against a plain reading of the formula."""

from dataclasses import replace

import faiss
import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import beta

from contracts.settings import Exploration, NewPosts
from spark_jobs.candidates.sources.new_posts import Promise, content_of, judge
from spark_jobs.candidates.sources.taste import index_over
from spark_jobs.rules.chance import uniform
from spark_jobs.rules.user_batches import number_lists
from tests.spark_jobs.candidates.sources.test_taste import Sent


def unit(draw: np.random.Generator, num: int) -> np.ndarray:
    vectors = draw.normal(size=(num, 8)).astype(np.float32)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


def promise(num: int, neighbours: int = 3) -> Promise:
    draw = np.random.default_rng(3)
    vectors, rates = unit(draw, num), draw.uniform(0.01, 0.2, num)
    index = faiss.serialize_index(index_over(vectors))
    return Promise(vectors, rates, index, NewPosts(neighbours=neighbours), Exploration(), seed=20, day=5)


def judged(how: Promise, rows: pa.RecordBatch, size: int) -> list[tuple[int, float, float]]:
    batches = [rows.slice(start, size) for start in range(0, rows.num_rows, size)]
    out = pa.Table.from_batches(list(judge(Sent(how), batches)))  # type: ignore[arg-type]
    return [tuple(row.values()) for row in out.to_pylist()]


def batch_of(num: int) -> pa.RecordBatch:
    draw = np.random.default_rng(4)
    return pa.record_batch(
        {
            "post_id": pa.array(np.arange(num) + 50),
            "content_embedding": number_lists(unit(draw, num)),
            "creator_rate": pa.array(draw.uniform(0.0, 0.3, num)),
            "usual": pa.array(np.full(num, 0.1)),
            "num_views": pa.array(draw.integers(0, 4, num).astype(float)),
        }
    )


def test_a_promise_is_the_formula_whatever_the_batches() -> None:
    how, rows = promise(40), batch_of(30)
    expected = []
    for row in rows.to_pylist():
        like = how.vectors.astype(float) @ np.array(row["content_embedding"])
        near = np.argsort(-like)[:3]
        weight = np.maximum(like[near], 0)
        earned = (weight @ how.rates[near]) / weight.sum()
        content = earned / (earned + how.rates.mean())
        creator = row["creator_rate"] / (row["creator_rate"] + 0.1)
        drawn = beta(2, 5).ppf(uniform(20, np.array([row["post_id"]]), 5)[0]) / (1 + row["num_views"])
        gain = 1.2 if row["creator_rate"] > 0.15 else 1.0
        expected.append((row["post_id"], gain * 0.2, gain * (0.4 * creator + 0.3 * content + 0.1 * drawn)))
    found = judged(how, rows, 30)
    assert np.allclose(found, expected, atol=1e-6)
    assert judged(how, rows, 7) == found
    assert len({scale for _, scale, _ in found}) == 2, "some creators are good"


def test_another_night_draws_anew_and_a_shown_post_less() -> None:
    how = replace(promise(5), rules=NewPosts(creator=0.0, content=0.0, affinity=0.0, good_creator_gain=1.0))
    rows = batch_of(2000)
    tonight, tomorrow = (np.array(judged(replace(how, day=day), rows, 2000))[:, 2] for day in (5, 6))
    views = rows.column("num_views").to_numpy()
    assert tonight[views == 0].mean() == pytest.approx(0.1 * 2 / 7, rel=0.1)
    assert tonight[views == 3].mean() == pytest.approx(0.1 * 2 / 7 / 4, rel=0.1)
    assert np.corrcoef(tonight[views == 0], tomorrow[views == 0])[0, 1] < 0.1


def test_where_nobody_answered_anything_every_content_is_as_good() -> None:
    none = replace(promise(1), vectors=np.zeros((0, 8), np.float32), rates=np.zeros(0))
    index = faiss.deserialize_index(faiss.serialize_index(index_over(none.vectors)))
    assert content_of(unit(np.random.default_rng(1), 4), none, index, 3).tolist() == [0.5] * 4
    unread = np.zeros((2, 8), dtype=np.float32)
    how = promise(40)
    assert content_of(unread, how, faiss.deserialize_index(how.index), 3) == pytest.approx([0.5, 0.5])
