from dataclasses import dataclass

import faiss
import numpy as np
import pyarrow as pa
import pytest

from contracts.settings import TasteWeights
from spark_jobs.candidates.sources import taste
from spark_jobs.rules.user_batches import number_lists

WEIGHTS = TasteWeights(text=0.2, rate=0.1)


@dataclass(frozen=True)
class Sent:
    """Stands in for a broadcast."""

    value: taste.Nearby


def some_posts(num: int, seed: int = 0) -> pa.Table:
    draw = np.random.default_rng(seed)
    topics = np.eye(10, dtype=np.float32)[draw.integers(0, 10, num)]
    embedding = draw.normal(size=(num, 50)).astype(np.float32)
    embedding /= np.linalg.norm(embedding, axis=1, keepdims=True)
    scale = draw.uniform(0.5, 1.5, num).astype(np.float32)
    constant = draw.normal(-0.2, 0.05, num).astype(np.float32)
    lists = number_lists(topics), number_lists(embedding)
    columns = [pa.array(np.arange(num) * 3 + 7), *lists, pa.array(scale), pa.array(constant)]
    return pa.table(columns, names=["post_id", "read_topics", "content_embedding", "scale", "constant"])


def some_users(num: int, num_seen: int = 0, seed: int = 1) -> pa.RecordBatch:
    draw = np.random.default_rng(seed)
    interests = draw.dirichlet(np.full(10, 0.3), num).astype(np.float32)
    preference = draw.normal(size=(num, 50)).astype(np.float32) / 10
    columns = [pa.array(np.arange(num)), number_lists(interests), number_lists(preference), pa.array([num_seen] * num)]
    return pa.record_batch(columns, names=["user_id", "interests", "topic_preference", "num_seen"])


def formula(posts: pa.Table, users: pa.RecordBatch) -> np.ndarray:
    """(users, posts) by the sentence of the module."""
    rows = posts.to_pylist()
    mean = np.mean([row["content_embedding"] for row in rows], axis=0)
    found = []
    for user in users.to_pylist():
        parts = [
            row["scale"]
            * (
                np.dot(user["interests"], row["read_topics"])
                + WEIGHTS.text * np.dot(user["topic_preference"], np.array(row["content_embedding"]) - mean)
            )
            + row["constant"]
            for row in rows
        ]
        found.append(parts)
    return np.array(found)


def searched(posts: pa.Table, batches: list[pa.RecordBatch], limit: int) -> dict[int, list[tuple[int, float]]]:
    nearby = Sent(taste.build(posts, WEIGHTS))
    rows = pa.Table.from_batches(list(taste.search(nearby, limit, batches))).to_pylist()  # type: ignore[arg-type]
    found: dict[int, list[tuple[int, float]]] = {}
    for row in rows:
        found.setdefault(row["user_id"], []).append((row["post_id"], row["priority"]))
    return found


def test_the_nearest_posts_are_those_of_the_formula_best_first() -> None:
    posts, users = some_posts(400), some_users(9)
    expected = formula(posts, users)
    found = searched(posts, [users], 20)
    ids = posts.column("post_id").to_numpy()
    for user in range(9):
        best = np.argsort(-expected[user], kind="stable")[:20]
        assert [post_id for post_id, _ in found[user]] == ids[best].tolist()
        assert [priority for _, priority in found[user]] == pytest.approx(expected[user][best], rel=1e-5)


def test_how_users_are_batched_changes_nothing() -> None:
    posts, users = some_posts(900), some_users(300)
    whole = searched(posts, [users], 50)
    assert whole == searched(posts, [users.slice(at, 1) for at in range(300)], 50)
    assert whole == searched(posts, [users.slice(0, 200), users.slice(200)], 50)


def test_whoever_has_seen_some_is_offered_as_many_more() -> None:
    posts = some_posts(200)
    found = searched(posts, [some_users(1, num_seen=30)], 20)
    assert len(found[0]) == 50
    assert found[0][:20] == searched(posts, [some_users(1)], 20)[0]
    assert len(searched(posts, [some_users(1, num_seen=500)], 20)[0]) == 200, "all there is"


def test_equal_posts_are_told_apart_by_their_ids() -> None:
    one = some_posts(1)
    same = pa.concat_tables([one] * 60).set_column(0, "post_id", pa.array(np.arange(60)))
    assert [post_id for post_id, _ in searched(same, [some_users(1)], 5)[0]] == [0, 1, 2, 3, 4]


def test_cells_find_nearly_all_of_what_an_exact_search_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    posts, users = some_posts(20_000), some_users(64)
    exact = searched(posts, [users], 100)
    monkeypatch.setattr(taste, "SEARCHED_WHOLE", 1_000)
    assert isinstance(taste.index_over(np.zeros((2_000, 4), np.float32)), faiss.IndexIVFFlat)
    cells = searched(posts, [users], 100)
    recall = np.mean([len(set(exact[user]) & set(cells[user])) / 100 for user in exact])
    print(f"\nrecall of the index of cells against exact search, 20,000 posts: {recall:.3f}")
    assert recall > 0.9
    assert cells == searched(posts, [users], 100), "and the same every time"
