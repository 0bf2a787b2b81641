"""From verdicts to models, and to the risks of each text."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from typing import Any

import pytest
from delta.tables import DeltaTable
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from contracts.settings import Content, Labels, Settings
from models.content.label_model import log_odds
from spark_jobs.features.post import content_embeddings, content_models, content_risks, label_models
from spark_jobs.night.gate.gate import run_gate
from spark_jobs.night.lake import Lake, checksum
from spark_jobs.night.night import Night
from spark_jobs.night.writers import write_partition
from tests.silver_rows import at, put, verdict

pytestmark = pytest.mark.many_rows

MODELS, TABLE = "gold.label_models", "gold.content_risks"
SETTINGS = Settings(content=Content(fewest_posts=20), labels=Labels(fewest_posts=10))
BAIT, PLAIN = "click this trick before the noodle is gone", "the noodle from the kitchen is on the table"
PERSON, CHECKER = log_odds(0.9), log_odds(0.97)


def post(number: int, text: str, moment: datetime, **others: Any) -> dict[str, Any]:
    row = {"post_id": number, "author_id": 100 + number, "created_at": moment, "hashtags": ["food"], "text": text}
    return {**row, **others}


@pytest.fixture
def night(lake: Lake, make_night: Callable[..., Night]) -> Night:
    """40 posts, 24 of them judged: 12 bait, 12 plain; of what is NSFW nobody asked."""
    put(lake, "silver.posts", [post(n, BAIT if n % 2 else PLAIN, at(5, n % 24)) for n in range(40)])
    put(lake, "silver.content_labels", [verdict(n, at(6, n), value=bool(n % 2)) for n in range(24)])
    return make_night(date(2026, 3, 7), SETTINGS)


def build(night: Night) -> None:
    content_models.main(night)
    content_embeddings.main(night)
    label_models.main(night)
    content_risks.main(night)


def risks(night: Night) -> dict[tuple[int, int], float]:
    return {(row.post_id, row.ds.day): row.clickbait for row in night.read(TABLE).collect()}


def versions(night: Night) -> dict[int, str]:
    rows = night.read(MODELS).select("ds", "label_version").distinct().collect()
    assert len(rows) == len({row.ds for row in rows})
    return {row.ds.day: row.label_version for row in rows}


def test_a_night_learns_from_verdicts_and_judges_what_nobody_has_judged(
    night: Night, capsys: pytest.CaptureFixture[str]
) -> None:
    build(night)
    output = capsys.readouterr().out
    assert "no model of nsfw, every post has its share of 1.0%: 0 posts are judged to be it and 0 not" in output
    assert "no model of misinformation" in output
    assert "no model of clickbait" not in output
    rows = {row.label: row for row in night.read(MODELS).collect()}
    assert (rows["clickbait"].num_positives, rows["clickbait"].num_negatives) == (12, 12)
    assert rows["clickbait"].auc == 1.0
    assert rows["nsfw"].coefficients == rows["nsfw"].words == []
    found = risks(night)
    assert {number for number, _ in found} == set(range(40))
    bait, plain = ([found[n, 7] for n in range(24, 40) if n % 2 == odd] for odd in (1, 0))
    print(f"bait {min(bait):.3f} to {max(bait):.3f}, plain {min(plain):.3f} to {max(plain):.3f}")
    assert min(bait) > 5 * max(plain)
    assert [row.nsfw for row in night.read(TABLE).collect()] == pytest.approx([0.01] * 40)
    verdicts = [run_gate(night, name) for name in (MODELS, TABLE)]
    broken = [result for output in verdicts for result in output["results"] if not result["success"]]
    # Of two dozen posts the error of a probability is large, which is worth a warning.
    assert [result["column"] for result in broken if result["severity"] == "critical"] == []


def test_verdicts_given_or_received_after_the_night_change_nothing(night: Night) -> None:
    build(night)
    before, judged = versions(night), checksum(night.read(TABLE))
    late = [verdict(n, at(6), value=n % 2 == 0, received_at=at(8), labeller_id="late") for n in range(40)]
    later = [verdict(n, at(8), value=n % 2 == 0, labeller_id="later") for n in range(40)]
    put(night.lake, "silver.content_labels", [*late, *later])
    for name in (MODELS, TABLE):
        DeltaTable.forPath(night.spark, night.lake.path(name)).delete()
    build(night)
    assert versions(night) == before
    assert checksum(night.read(TABLE)) == judged
    # The next night sees them: where one person judged so and two others otherwise, the two count more.
    tomorrow = replace(night, ds=date(2026, 3, 8))
    version = label_models.newest_content_version(tomorrow)
    assert version is not None
    judged_anew = label_models.judged_inputs(tomorrow, version)
    says_yes = {row.post_id for row in judged_anew.where("evidence_clickbait > 0").select("post_id").collect()}
    assert says_yes == set(range(0, 40, 2))


@pytest.mark.slow
def test_models_are_kept_until_they_are_old_and_a_rerun_changes_nothing(night: Night) -> None:
    build(night)
    before, judged = checksum(night.read(MODELS)), checksum(night.read(TABLE))
    build(night)
    assert (checksum(night.read(MODELS)), checksum(night.read(TABLE))) == (before, judged)
    put(night.lake, "silver.content_labels", [verdict(n, at(8), value=bool(n % 2)) for n in range(24, 40)])
    put(night.lake, "silver.posts", [post(50, BAIT, at(8, 5)), post(51, PLAIN, at(8, 6))])
    build(replace(night, ds=date(2026, 3, 8)))
    assert checksum(night.read(MODELS)) == before
    found = risks(night)
    assert {number for number, day in found if day == 8} == {50, 51}
    assert found[50, 8] > 5 * found[51, 8]
    assert checksum(night.read(TABLE).where("ds = '2026-03-07'")) == judged
    # Old texts are read by a content model as old as these, which is refitted in the same night: all is judged anew.
    build(replace(night, ds=date(2026, 3, 20)))
    assert list(versions(night)) == [7]
    build(replace(night, ds=date(2026, 3, 21)))
    assert sorted(versions(night)) == [7, 21]
    assert {number for number, day in risks(night) if day == 21} == {*range(40), 50, 51}
    # A night of the past still has its own models.
    loaded = label_models.load_models(night.read(MODELS), date(2026, 3, 20))
    assert loaded is not None
    assert loaded.version == versions(night)[7]


@pytest.mark.slow
def test_a_label_gets_its_model_as_soon_as_there_are_enough_verdicts(night: Night) -> None:
    build(night)
    verdicts = [verdict(n, at(8), value=bool(n % 2), label="nsfw") for n in range(18)]
    put(night.lake, "silver.content_labels", verdicts)
    build(replace(night, ds=date(2026, 3, 8)))
    assert list(versions(night)) == [7]
    put(
        night.lake, "silver.content_labels", [verdict(n, at(9), value=bool(n % 2), label="nsfw") for n in range(18, 20)]
    )
    build(replace(night, ds=date(2026, 3, 9)))
    assert sorted(versions(night)) == [7, 9]
    tonight = night.read(MODELS).where("ds = '2026-03-09' AND size(coefficients) > 0")
    assert {row.label for row in tonight.collect()} == {"clickbait", "nsfw"}
    assert len([key for key in risks(night) if key[1] == 9]) == 40
    # The night after has nothing new to judge.
    build(replace(night, ds=date(2026, 3, 10)))
    assert not [key for key in risks(night) if key[1] == 10]


def test_before_any_text_there_is_nothing_to_judge(make_night: Callable[..., Night]) -> None:
    night = make_night()
    build(night)
    assert night.read(MODELS).isEmpty()
    assert night.read(TABLE).isEmpty()
    assert all(run_gate(night, name)["success"] for name in (MODELS, TABLE))


BROKEN_RISKS = (
    ("clickbait", "float('nan')", "column_values_to_be_between"),
    ("nsfw", "float(1.5)", "column_values_to_be_between"),
    ("label_version", "'0123456789abcdef'", "judged_by_known_models"),
    ("label_version", "'newest'", "column_values_to_match_regex"),
    ("text_at", "timestamp '2026-03-01'", "every_text_read_is_judged"),
)
BROKEN_MODELS = (
    ("clickbait", "intercept", "double('nan')", "column_values_to_be_between"),
    ("clickbait", "coefficients", "array(float('infinity'))", "finite_and_equally_long"),
    ("nsfw", "words", "array(1)", "finite_and_equally_long"),
    ("nsfw", "label_version", "'0123456789abcdef'", "every_label_once_and_of_one_version"),
    ("misinformation", "label", "'spam'", "column_values_to_be_in_set"),
    ("misinformation", "auc", "double(0.4)", "column_values_to_be_between"),
)


def test_the_gates_find_every_broken_model_and_judgement(night: Night) -> None:
    build(night)
    broken = night.read(TABLE)
    for post_id, (column, value, _) in enumerate(BROKEN_RISKS):
        broken = broken.withColumn(column, F.when(F.col("post_id") == post_id, F.expr(value)).otherwise(F.col(column)))
    assert failed(night, TABLE, broken) >= {check for *_, check in BROKEN_RISKS}
    models = night.read(MODELS)
    for label, column, value, _ in BROKEN_MODELS:
        changed = F.when(F.col("label") == label, F.expr(value)).otherwise(F.col(column))
        models = models.withColumn(column, changed)
    assert failed(night, MODELS, models) >= {check for *_, check in BROKEN_MODELS}


def failed(night: Night, name: str, broken: DataFrame) -> set[str]:
    """The rules that the gate finds broken once ``broken`` is the night's partition."""
    write_partition(night.lake, name, broken.localCheckpoint(), [night.ds])
    verdict = run_gate(night, name)
    assert not verdict["success"]
    return {result["expectation"] for result in verdict["results"] if not result["success"]}
