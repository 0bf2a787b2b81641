"""The night's model: which checkpoint it is, and how a Python worker gets hold of it."""

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from spark_jobs.night import Night

if TYPE_CHECKING:
    from models.inference import Ranker


@dataclass(frozen=True)
class NightModel:
    """A row of ``gold.models``; ``folder`` is its checkpoint, which every worker must be able to read.

    ``examples_version`` is the version of ``gold.training_examples`` that it was trained on.
    """

    version: str
    folder: str
    examples_version: int


def model_of(night: Night) -> NightModel:
    """The model that the night trained; raises ``ValueError`` unless ``gold.models`` has exactly one for its day."""
    tonight = night.read("gold.models").where(F.col("ds") == F.lit(night.ds))
    found = tonight.select("model_version", "path", "examples_version").take(2)
    if len(found) != 1:
        count = "no row" if not found else "more than one row"
        raise ValueError(f"gold.models has {count} with ds = {night.ds}: run the train stage of that night")
    root = night.lake.root.removeprefix("file://").rstrip("/")
    return NightModel(found[0].model_version, f"{root}/{found[0].path}", found[0].examples_version)


@lru_cache(maxsize=1)
def load_ranker(folder: str) -> "Ranker":
    """Load the checkpoint once per Python worker; it keeps torch to one thread, as Spark runs a worker per core."""
    from models.inference import Ranker  # noqa: PLC0415 - the driver never needs torch

    return Ranker.load(folder)
