"""A night that cannot give anybody a feed stops at its start and names the key of ``dataset.json`` to change."""

import json
import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from spark_jobs.night.gate.gate import run_gate
from spark_jobs.night.lake import Lake
from spark_jobs.night.night import Night, load_settings
from spark_jobs.night.run import run_stage, sentence_of
from spark_jobs.preflight.preflight import NightRefused
from spark_jobs.publish import ledger
from spark_jobs.publish.epoch_store import PublishFailed
from tests.landed import engagement, land, post, user

DS = date(2026, 3, 8)
ACTIVE = range(10, 50, 3)
"""Days before the night on which a quiet site has a post and two likes."""


def at(back: int, hour: int) -> str:
    return f"{DS - timedelta(days=back)}T{hour:02}:00:00Z"


@pytest.fixture(scope="module")
def night(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Night:
    """A quiet site, ingested and cleaned: 14 posts by one author, nothing in the ten days before the night."""
    folder = tmp_path_factory.mktemp("quiet")
    landing = folder / "landing"
    land(landing, DS - timedelta(days=60), [user(number, at=at(60, 1), signup_at=at(60, 1)) for number in (1, 2, 3)])
    for back in ACTIVE:
        written = post(back, 1, at=at(back, 8), created_at=at(back, 8))
        likes = [engagement(f"like-{who}-{back}", who, back, at(back, 9)) for who in (2, 3)]
        land(landing, DS - timedelta(days=back), [written, *likes])
    (landing / "dataset.json").write_text('{"has_impressions": true}')
    made = Night(Lake(spark, str(folder / "lake")), DS, str(landing), folder / "runs", load_settings(str(landing)))
    for stage in ("ingest", "clean"):
        run_stage(made, stage)
    return made


def preflight(night: Night, **dataset: Any) -> list[str]:
    """Run the stage with these settings; returns its notes."""
    (Path(night.landing) / "dataset.json").write_text(json.dumps(dataset))
    run_stage(replace(night, settings=load_settings(night.landing)), "preflight")
    return list(json.loads((night.folder / "preflight.json").read_text())["notes"])


@pytest.mark.slow
def test_preflight(night: Night) -> None:
    with pytest.raises(NightRefused) as refused:
        preflight(night)
    sentence = sentence_of(refused.value)
    print(f"\n{sentence}")
    found = re.search(r"set candidate_hours to (\d+) in dataset.json", sentence)
    assert found is not None
    assert json.loads((night.folder / "preflight.json").read_text())["stops"], "the report tells it too"
    assert not (night.folder / "stages" / "preflight.json").exists()
    windows: dict[str, Any] = {"candidate_hours": int(found[1]), "training_days": 12}
    notes = preflight(night, **windows)
    print(*notes, sep="\n")
    assert "nothing landed on 2026-03-08; the newest day until then is 2026-02-26" in notes
    assert any("set has_impressions to false" in note for note in notes)
    windows |= {"has_impressions": False, "calibration_days": 3, "holdout_days": 3}
    (_, note) = preflight(night, **windows)
    print(note)
    assert "1 of the 12 days before 2026-03-08 have examples, and 7 are needed" in note
    proposed = re.search(r"set calibration_days to (\d+), holdout_days to (\d+) and training_days to (\d+)", note)
    assert proposed is not None, "six days reserved leave 8, of 16 likes; two leave 12, of 24"
    windows |= zip(("calibration_days", "holdout_days", "training_days"), map(int, proposed.groups()), strict=True)
    assert len(preflight(night, **windows)) == 1, "the proposed windows do; only the empty last day is noted"


@pytest.mark.slow
def test_a_lake_without_readers_or_posts_stops(night: Night, tmp_path: Path) -> None:
    def stops(events: list[dict[str, Any]], name: str) -> str:
        landing = tmp_path / name
        land(landing, DS, events)
        lake = Lake(night.spark, str(tmp_path / f"{name}-lake"))
        alone = Night(lake, DS, str(landing), tmp_path / f"{name}-runs", load_settings(str(landing)))
        for stage in ("ingest", "clean"):
            run_stage(alone, stage)
        with pytest.raises(NightRefused) as refused:
            run_stage(alone, "preflight")
        print(sentence_of(refused.value))
        return str(refused.value)

    assert "no user is known by the end of 2026-03-08" in stops(["not JSON"], "nobody")  # type: ignore[list-item]
    private = [user(1, at=at(0, 1)), user(2, at=at(0, 1)), post(1, 1, at=at(0, 2), privacy="friends")]
    assert "can be proposed to anybody" in stops(private, "apart")
    assert "by the only known user" in stops([user(1, at=at(0, 1)), post(1, 1, at=at(0, 2))], "alone")


@pytest.mark.slow
def test_an_older_night_is_refused_at_its_start(night: Night) -> None:
    now = datetime.now(UTC)
    night.lake.create(ledger.TABLE)
    newer = ledger.EpochRow(1, DS + timedelta(days=1), "current", "{}", "{}", now, now)
    ledger.record(night.lake.path(ledger.TABLE), [newer])
    before = night.lake.version("bronze.events")
    with pytest.raises(PublishFailed, match="2026-03-08 is before 2026-03-09, which is live") as refused:
        run_stage(night, "ingest")
    print(f"\n{sentence_of(refused.value)}")
    assert night.lake.version("bronze.events") == before, "nothing was computed"


@pytest.mark.slow
def test_a_day_without_impressions_is_a_warning_where_the_source_logs_them(night: Night) -> None:
    def warned(*, has_impressions: bool) -> bool:
        settings = replace(night.settings, dataset=replace(night.settings.dataset, has_impressions=has_impressions))
        verdict = run_gate(replace(night, settings=settings), "silver.impressions")
        assert verdict["success"], "a warning stops nothing"
        return "a_day_with_impressions" in [r["expectation"] for r in verdict["results"] if not r["success"]]

    assert warned(has_impressions=True)
    assert not warned(has_impressions=False)
