"""Training examples of some days as arrays, their scores under a registered model, and how well scores order them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.dataset
from deltalake import DeltaTable
from numpy.typing import NDArray

from analysis.metrics.bootstrap import Interval, paired_difference, pooled
from analysis.metrics.ranking import ndcg, rank_lists
from contracts.features import Entity, features_of
from contracts.heads import LABEL_COLUMNS, RELEVANT_HEADS, SCORE_COLUMNS
from contracts.metrics.auc import auc
from contracts.metrics.columns import Floats
from contracts.settings import ValueWeights
from spark_jobs.rules.heldout_scores import ENTITIES, KEPT, Config, score_examples
from spark_jobs.rules.night_model import NightModel
from spark_jobs.rules.user_batches import feature_matrix, number_lists
from spark_jobs.simulate.world import FIRST_USER_ID

RESAMPLES = 500
_OTHERS = ("example_id", "user_id", "post_id", "num_prior_likes", "weight")


@dataclass(frozen=True)
class Rows:
    """Examples in order of user, then time: inputs (N, F) by entity, and what evaluation reads of them."""

    table: pa.Table
    inputs: dict[Entity, NDArray[np.float32]]

    @property
    def dense(self) -> NDArray[np.float32]:
        """All inputs, (N, F)."""
        return np.hstack([self.inputs[entity] for entity in ENTITIES])

    def column(self, name: str) -> NDArray[Any]:
        return cast("NDArray[Any]", self.table[name].to_numpy())

    def grades(self) -> Floats:
        """Relevance of each row: the highest grade of its positive labels."""
        graded = [head.grade * (self.column(head.label_column) > 0) for head in RELEVANT_HEADS]
        return cast("Floats", np.max(graded, axis=0))


def read_rows(lake_root: Path, days: Sequence[str]) -> Rows:
    table = DeltaTable(str(lake_root / "gold" / "training_examples"))
    columns = [*_OTHERS, *LABEL_COLUMNS, "post_created_at", "shown_at"]
    features = {entity: [item.example_column for item in features_of(entity)] for entity in ENTITIES}
    selected = [*columns, *(name for names in features.values() for name in names)]
    partitions = [("ds", "in", list(days))]
    found = table.to_pyarrow_table(partitions=partitions, columns=selected)
    found = found.sort_by([("user_id", "ascending"), ("shown_at", "ascending"), ("example_id", "ascending")])
    (batch,) = found.combine_chunks().to_batches()
    inputs = {entity: feature_matrix(batch.column(name) for name in names) for entity, names in features.items()}
    return Rows(found.select(columns), inputs)


def head_scores(rows: Rows, folder: Path) -> dict[str, Floats]:
    """Predictions of every head, and the value, under a registered model, by the code that evaluates nights."""
    seconds = {
        name: (rows.column(source).astype("datetime64[s]").astype(np.int64))
        for name, source in (("created_s", "post_created_at"), ("shown_s", "shown_at"))
    }
    columns: dict[str, Any] = {
        name: rows.table[name].combine_chunks() for name in KEPT if name in rows.table.column_names
    }
    columns |= {name: pa.array(values) for name, values in seconds.items()}
    columns.setdefault("position", pa.nulls(rows.table.num_rows, pa.int32()))
    columns |= {"content_type": pa.array(["unknown"] * rows.table.num_rows)}
    columns |= {entity: number_lists(values) for entity, values in rows.inputs.items()}
    batch = pa.Table.from_pydict(columns).combine_chunks().to_batches()[0]
    config = Config(NightModel(folder.name, str(folder), 0), ValueWeights(), 1)
    scored = pa.Table.from_batches(list(score_examples(config, [batch])))
    assert scored["post_id"].equals(rows.table["post_id"]), "scoring keeps the order of rows"
    return {name: scored[name].to_numpy().astype(np.float64) for name in ("value_score", *SCORE_COLUMNS)}


def truth_of(rows: Rows, landing: Path, columns: Sequence[str]) -> dict[str, NDArray[Any]]:
    """What the simulator knows of each user and post that was shown."""
    shown = pa.dataset.dataset(landing / "_truth" / "impressions", format="parquet", exclude_invalid_files=True)
    known = shown.to_table(columns=["user", "post_id", *columns])
    keys = zip((known["user"].to_numpy() + FIRST_USER_ID).tolist(), known["post_id"].to_pylist(), strict=True)
    place_of = {key: place for place, key in enumerate(keys)}
    pairs = zip(rows.column("user_id").tolist(), rows.column("post_id").tolist(), strict=True)
    places = np.array([place_of[pair] for pair in pairs])
    return {name: known[name].to_numpy()[places] for name in columns}


def true_chances(rows: Rows, landing: Path) -> Floats:
    """The simulator's chance that each user engages with each post, had they looked at it."""
    return truth_of(rows, landing, ("p_engage",))["p_engage"]


def true_labels(rows: Rows, landing: Path) -> dict[str, Floats]:
    """Each head's chance, or expected seconds, of each row at the average place, by ``docs/simulator.md``."""
    flags = ("is_clickbait", "is_misinformation")
    numbers = ("tie", "quality", "match", "p_engage", "p_hide", "p_report", "p_examine")
    known = truth_of(rows, landing, (*numbers, *flags, "content_type"))
    clickbait, misinformation = (known[name].astype(np.float64) for name in flags)
    comment = 0.154 * (0.6 + 1.2 * known["tie"])
    share = np.minimum(0.077 * np.exp(0.4 * known["quality"] - 0.2) * (1.0 + 0.5 * misinformation), 1.0 - comment)
    engaged = known["p_engage"] * (1.0 - known["p_hide"])
    content = np.select([known["content_type"] == kind for kind in ("video", "photo")], [0.6, -0.1])
    looked_at = {
        "like": engaged * (1.0 - comment - share),
        "comment": engaged * comment,
        "share": engaged * share,
        "hide": known["p_hide"],
        "report": known["p_report"],
        "dwell": 3.0 * np.exp(known["match"] + 0.5 * known["tie"] + content - 0.7 * clickbait + 0.7**2 / 2),
    }
    return {head: values * known["p_examine"].mean() for head, values in looked_at.items()}


def ndcg_by_user(rows: Rows, scores: Floats, gains: Floats | None = None) -> Floats:
    """NDCG@10 of each user with two examples, one of them relevant; ``gains`` are the rows' grades if not given."""
    relevant = rank_lists(rows.column("user_id"), scores, rows.column("post_id"), rows.grades())
    counts = (relevant.sizes > 1) & (relevant.num_relevant > 0)
    given = rows.grades() if gains is None else gains
    return ndcg(rank_lists(rows.column("user_id"), scores, rows.column("post_id"), given), 10)[counts]


def ndcg_difference(rows: Rows, ours: Floats, theirs: Floats, gains: Floats) -> Interval:
    ranker, peer = (ndcg_by_user(rows, scores, gains) for scores in (ours, theirs))
    return paired_difference(ranker, peer, RESAMPLES, seed=20)


def like_auc(rows: Rows, scores: Floats) -> float:
    value = auc(scores, rows.column("label_like"))
    assert value is not None, "the held-out day has likes"
    return value


def like_auc_difference(rows: Rows, ours: Floats, theirs: Floats) -> Interval:
    labels = rows.column("label_like")

    def difference(weights: Floats) -> float | None:
        first, second = auc(ours, labels, weights), auc(theirs, labels, weights)
        return None if first is None or second is None else first - second

    return pooled(rows.column("user_id"), difference, RESAMPLES, seed=20)
