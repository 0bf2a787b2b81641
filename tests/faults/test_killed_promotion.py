"""A promotion killed between its verdict and the registry is completed by a rerun, whatever was trained since."""

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis.promotion import ScoredRows
from contracts.settings import Evaluation, Settings
from spark_jobs.night.night import Night
from spark_jobs.promote import promotions
from spark_jobs.rules.night_model import model_of
from tests import scoring_lake
from tests.epoch_table import epoch_row, epoch_table

BEFORE = date(2026, 3, 7)
USERS, EACH = 30, 12
SETTINGS = Settings(evaluation=Evaluation(resamples=100))


def write_examples(night: Night, liked: Any) -> int:
    given = {"user_id": np.repeat(np.arange(USERS), EACH), "post_id": np.tile(np.arange(EACH), USERS)}
    likes = np.broadcast_to(np.asarray(liked, dtype=np.float32), USERS * EACH)
    scoring_lake.write_examples(night, BEFORE, {**given, "label_like": likes.copy()})
    return night.lake.version("gold.training_examples")


def liked_as(good: ScoredRows, bad: ScoredRows) -> Any:
    """Each user likes the third of the posts that one scorer puts furthest above where the other puts them."""
    places = [(-rows.value.reshape(USERS, EACH)).argsort(axis=1).argsort(axis=1) for rows in (good, bad)]
    return (places[0] - places[1]).argsort(axis=1).argsort(axis=1).ravel() < EACH // 3


def verdict(night: Night) -> dict[str, Any]:
    (row,) = night.read("gold.promotions").where(f"ds = DATE'{night.ds}'").collect()
    return dict(row.asDict())


def stages(night: Night) -> dict[str, str]:
    return {row.model_version: row.stage for row in night.read("gold.models").collect()}


@pytest.mark.slow
def test_killed_promotion(make_night: Callable[..., Night], monkeypatch: pytest.MonkeyPatch) -> None:
    night, before = make_night(settings=SETTINGS), make_night(BEFORE, SETTINGS)
    version = write_examples(night, 0.0)
    champion = scoring_lake.register_model(before, version, seed=12)
    manifest = json.dumps({"model_version": champion})
    epoch_table(Path(night.lake.root), epoch_row(1, "current", BEFORE.day, manifest))
    challenger = scoring_lake.register_model(night, version, seed=11)
    examples = night.read("gold.training_examples")
    good, bad = (promotions.score(night, examples, model_of(of)) for of in (before, night))
    scoring_lake.register_model(night, write_examples(night, liked_as(good, bad)), seed=11)

    def kill(_night: Night) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(promotions, "update_stages", kill)
        with pytest.raises(KeyboardInterrupt):
            promotions.main(night)
    first = verdict(night)
    assert (first["verdict"], first["model_version"], first["challenger"]) == ("rejected", champion, challenger)
    assert set(stages(night).values()) == {"candidate"}
    promotions.main(night)
    assert verdict(night) == first
    assert stages(night) == {champion: "serving", challenger: "rejected"}

    scoring_lake.register_model(before, version, seed=99)
    promotions.main(night)
    assert verdict(night) == first, "an older night that is trained again changes no later one"
    assert stages(night)[challenger] == "rejected"
