"""Which texts a night reads, and which it does not."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any

import pytest
from delta.tables import DeltaTable
from pyspark.sql import Row
from pyspark.sql import functions as F

from contracts.features import TOPICS
from contracts.settings import Content
from contracts.shape import EMBEDDING_SIZE
from spark_jobs.features.post import content_embeddings, content_models
from spark_jobs.night.gate.gate import run_gate
from spark_jobs.night.lake import Lake, checksum
from spark_jobs.night.night import Night
from spark_jobs.night.writers import write_partition
from spark_jobs.rules.contents import join_contents
from spark_jobs.rules.post_versions import all_versions, join_versions
from tests.silver_rows import at, put
from tests.written_posts import replace_post

MODELS, TABLE = "gold.content_models", "gold.content_embeddings"
PHRASES = {
    "sports": "the coach was wonderful before the match and the goal",
    "food": "a terrible spice from the kitchen with another noodle",
    "travel": "wir gehen nächste Woche zurück zum Hafen und zur Insel",
}


def post(post_id: int, topic: str, moment: datetime, **others: Any) -> dict[str, Any]:
    row = {"post_id": post_id, "author_id": 7, "created_at": moment, "hashtags": [topic.upper()]}
    return {**row, "text": f"{PHRASES[topic]} #{topic.upper()}", **others}


@pytest.fixture
def night(lake: Lake, make_night: Callable[..., Night], monkeypatch: pytest.MonkeyPatch) -> Night:
    monkeypatch.setattr(content_models, "installed", lambda: None)  # by words, whatever is installed here
    topics = list(PHRASES)
    put(lake, "silver.posts", [post(number, topics[number % 3], at(5, 10)) for number in range(30)])
    put(lake, "silver.posts", [post(90, "food", at(7, 10), hashtags=[], text=PHRASES["food"])])
    put(lake, "silver.posts", [post(91, "food", at(7, 11), text="Ok"), post(92, "food", at(8, 12), received_at=at(9))])
    return make_night(date(2026, 3, 7))


def build(night: Night) -> None:
    content_models.main(night)
    content_embeddings.main(night)


def readings(night: Night) -> dict[tuple[int, int], Row]:
    return {(row.post_id, row.ds.day): row for row in night.read(TABLE).collect()}


def test_the_first_night_reads_every_text_received_by_then(night: Night) -> None:
    build(night)
    rows = readings(night)
    assert {post_id for post_id, _ in rows} == {*range(30), 90, 91}
    sports, food, travel, plain, noise = (rows[post_id, 7] for post_id in (0, 1, 2, 90, 91))
    assert [row.language for row in (sports, food, travel, noise)] == ["en", "en", "de", "und"]
    assert [row.sentiment for row in (sports, food, travel, noise)] == [0.5, -0.5, 0.0, 0.0]
    assert [TOPICS[row.topics.index(1.0)] for row in (sports, food, travel)] == ["sports", "food", "travel"]
    # Without a hashtag the words tell; what they leave open is missing to 1.
    assert TOPICS[plain.topics.index(max(plain.topics))] == "food"
    assert 0.5 < sum(plain.topics) < 1
    assert len(plain.embedding) == EMBEDDING_SIZE
    assert plain.embedding == food.embedding
    assert (plain.text_at.day, plain.content_version) == (7, sports.content_version)
    assert all(run_gate(night, name)["success"] for name in (MODELS, TABLE))


@pytest.mark.slow
def test_the_next_night_reads_new_and_changed_texts_only_and_a_rerun_of_either_changes_nothing(night: Night) -> None:
    build(night)
    first = checksum(night.read(TABLE))
    replace_post(night, 3, text="everything was awful", hashtags=["sports"], updated_at=at(8, 9))
    replace_post(night, 4, privacy="only_me", updated_at=at(8, 9))
    put(night.lake, "silver.posts", [post(50, "sports", at(6, 23), received_at=at(8, 1)), post(51, "food", at(8, 1))])
    tomorrow = replace(night, ds=date(2026, 3, 8))
    build(tomorrow)
    assert {key for key in readings(night) if key[1] == 8} == {(3, 8), (4, 8), (50, 8), (51, 8)}
    assert readings(night)[3, 8].sentiment == -0.5
    after = checksum(night.read(TABLE))
    build(tomorrow)
    assert checksum(night.read(TABLE)) == after
    build(replace(night, ds=date(2026, 3, 9)))
    assert not [key for key in readings(night) if key[1] == 9 and key[0] != 92]
    assert checksum(night.read(TABLE).where("ds = '2026-03-07'")) == first


def sentiments_at(night: Night, moments: Sequence[datetime]) -> list[float]:
    """What post 0 said at some moments, in their order."""
    versions = all_versions(night.read("silver.posts"), night.read("silver.post_edits"))
    read_versions = versions.select("post_id", F.col("updated_at").alias("text_at"), "visible_from", "visible_until")
    points = night.spark.createDataFrame([(0, moment) for moment in moments], "post_id BIGINT, instant TIMESTAMP")
    seen = join_versions(points, read_versions, "instant")
    joined = join_contents(seen, night.read(TABLE), {"sentiment": F.col("sentiment")}).orderBy("instant").collect()
    return [row.sentiment for row in joined]


def test_an_instant_sees_the_text_that_stood_then(night: Night) -> None:
    build(night)
    replace_post(night, 0, text="everything was awful", updated_at=at(8, 9))
    tomorrow = replace(night, ds=date(2026, 3, 8))
    build(tomorrow)
    # At the very instant of its creation the post is there; an edit counts from the instant after it.
    moments = {at(5, 10): 0.5, at(5, 10, 1): 0.5, at(8, 9): 0.5, at(8, 9, 1): -0.5, at(20): -0.5}
    assert sentiments_at(night, [at(5, 9, 59), *moments]) == list(moments.values())
    # A new model reads the post anew: two readings of one text are one text.
    stricter = replace(night.settings, content=Content(refit_days=1, min_posts=3))
    build(replace(night, ds=date(2026, 3, 9), settings=stricter))
    assert len([key for key in readings(night) if key[0] == 0]) == 3
    assert sentiments_at(night, list(moments)) == list(moments.values())


def test_versions_that_no_night_saw_and_a_text_that_comes_back_are_read(night: Night) -> None:
    """All of them between two nights: each is what its post said for some hours."""
    replace_post(night, 0, text="everything was awful", updated_at=at(7, 9))
    replace_post(night, 0, text=post(0, "sports", at(5, 10))["text"], updated_at=at(7, 12))
    build(night)
    moments = {at(6): 0.5, at(7, 10): -0.5, at(7, 13): 0.5}
    assert sentiments_at(night, list(moments)) == list(moments.values())
    assert run_gate(night, TABLE)["success"]
    build(replace(night, ds=date(2026, 3, 8)))
    assert not [key for key in readings(night) if key == (0, 8)]


def arrival(batch: int, seen_from: int) -> dict[str, Any]:
    return {"source": f"{batch}.jsonl", "batch": batch, "num_events": 1, "seen_from": date(2026, 3, seen_from)}


def test_a_night_reads_what_silver_took_in_since_the_last_one_however_old_it_is(night: Night) -> None:
    put(night.lake, "silver.arrivals", [arrival(1, 5)])
    build(night)
    # What was seen from the 3rd on is looked at again, as a file brought some of it; an older text is not.
    put(night.lake, "silver.posts", [post(60, "food", at(3)), post(61, "food", at(2)), post(62, "food", at(8))])
    put(night.lake, "silver.arrivals", [arrival(2, 3)])
    build(replace(night, ds=date(2026, 3, 8)))
    assert {key for key in readings(night) if key[1] == 8} == {(60, 8), (62, 8)}
    # Silver had it already, but it is seen from the 9th on only.
    build(replace(night, ds=date(2026, 3, 9)))
    assert {key for key in readings(night) if key[1] == 9} == {(92, 9)}


def test_a_model_is_kept_until_it_is_old_and_a_new_one_reads_all_posts(night: Night) -> None:
    build(night)
    before = checksum(night.read(MODELS))
    content_models.main(night)
    content_models.main(replace(night, ds=date(2026, 3, 20)))
    assert checksum(night.read(MODELS)) == before
    put(night.lake, "silver.posts", [post(60, "sports", at(19), text="a new stadium")] * 1)
    put(night.lake, "silver.posts", [post(61, "sports", at(19), text="another new stadium")])
    later = replace(night, ds=date(2026, 3, 21))
    build(later)
    assert [row.ds.day for row in night.read(MODELS).select("ds").distinct().orderBy("ds").collect()] == [7, 21]
    read = [key for key in readings(night) if key[1] == 21]
    assert len(read) == night.read("silver.posts").count()
    assert len({row.content_version for row in readings(night).values()}) == 2
    # A night of the past still reads with its own model.
    assert content_models.newest_model(night.read(MODELS), date(2026, 3, 20))[0] == date(2026, 3, 7)


def test_a_model_knows_only_texts_from_before_the_training_window_and_is_turned_to_the_one_before_it(
    night: Night,
) -> None:
    """So that no example rests on words that were written, or received, after it."""
    settings = replace(night.settings, content=Content(refit_days=1, fewest_posts=20))
    later = replace(night, ds=date(2026, 3, 14), settings=settings)  # its window begins on the 7th
    content_models.main(replace(later, ds=date(2026, 3, 13)))
    before = content_models.load_model(night.read(MODELS), date(2026, 3, 13))
    content_models.main(later)
    fitted = content_models.load_model(night.read(MODELS), later.ds)
    older = night.read("silver.posts").where("post_id < 30")
    assert fitted.version == content_models.transform(older, settings.content, settings.seed, before).version
    assert fitted.version != content_models.transform(older, settings.content, settings.seed).version
    # Whatever is written later, or received later, or is edited later, changes nothing.
    put(night.lake, "silver.posts", [post(100 + n, "food", at(7, n), text="unheard of news") for n in range(5)])
    put(night.lake, "silver.posts", [post(200 + n, "food", at(6), received_at=at(7), text="late") for n in range(5)])
    put(night.lake, "silver.posts", [post(300 + n, "food", at(6), updated_at=at(7), text="edited") for n in range(5)])
    DeltaTable.forPath(night.spark, night.lake.path(MODELS)).delete("ds = '2026-03-14'")
    content_models.main(later)
    again = content_models.load_model(night.read(MODELS), later.ds)
    assert again.version == fitted.version


@pytest.mark.parametrize(("fewest", "midnight"), [(20, at(6)), (30, at(6)), (31, at(8)), (33, at(8))])
def test_a_young_lake_s_first_model_knows_the_texts_of_its_first_days(
    night: Night, fewest: int, midnight: datetime
) -> None:
    """30 posts of the 5th, two of the 7th; the night of the 7th has none from before its training window."""
    posts = night.read("silver.posts").where("post_id < 92")
    window_start = date(2026, 2, 28)
    assert content_models.fitted_before(posts, window_start, night.as_of, fewest) == midnight
    assert content_models.fitted_before(posts, date(2026, 3, 7), night.as_of, 30) == at(7)


def test_a_stored_model_is_the_model_that_was_fitted(night: Night) -> None:
    content = night.settings.content
    posts = night.read("silver.posts").where("post_id < 92")
    fitted = content_models.transform(posts, content, night.settings.seed)
    content_models.main(night)
    loaded = content_models.load_model(night.read(MODELS), night.ds)
    assert loaded.version == fitted.version
    assert {row.content_version for row in night.read(MODELS).collect()} == {fitted.version}


def test_a_network_without_posts_has_an_empty_model(make_night: Callable[..., Night]) -> None:
    night = make_night()
    build(night)
    assert night.read(TABLE).isEmpty()
    verdict = run_gate(night, MODELS)
    assert verdict["success"]
    assert [r["expectation"] for r in verdict["results"] if not r["success"]] == ["some_word_is_known"]


def test_texts_that_share_no_word_have_no_embedding_and_pass_the_gates_until_they_share_one(
    lake: Lake, make_night: Callable[..., Night], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(content_models, "installed", lambda: None)
    texts = ["", *(f"thing{number}" for number in range(9))]
    put(lake, "silver.posts", [post(n, "food", at(5, 10), text=text, hashtags=[]) for n, text in enumerate(texts)])
    night = make_night(date(2026, 3, 7))
    build(night)
    assert night.read(MODELS).isEmpty()
    rows = readings(night)
    assert len(rows) == len(texts)
    assert {value for row in rows.values() for value in row.embedding} == {0.0}
    assert rows[0, 7].log_words == 0 < rows[1, 7].log_words, (
        "what a text is like without its words is read all the same"
    )
    assert all(run_gate(night, name)["success"] for name in (MODELS, TABLE))
    put(lake, "silver.posts", [post(n, "food", at(8, 10)) for n in (50, 51)])
    tomorrow = replace(night, ds=date(2026, 3, 8))
    build(tomorrow)
    assert {post_id for post_id, day in readings(tomorrow) if day == 8} == {*range(len(texts)), 50, 51}
    assert any(readings(tomorrow)[50, 8].embedding)
    assert all(run_gate(tomorrow, name)["success"] for name in (MODELS, TABLE))


BROKEN = (
    ("capital_share", "float('nan')", "column_values_to_be_between"),
    ("log_words", "float('infinity')", "column_values_to_be_between"),
    ("embedding", "array(float(1), float(1))", "embeddings_have_unit_length_or_none"),
    ("embedding", "array(float(0))", "one_size"),
    ("topics", "array(float(0.9), float(0.9))", "topics_are_shares"),
    ("topics", "array(float('nan'))", "topics_are_shares"),
    ("content_version", "'0123456789abcdef'", "vectors_are_of_a_model"),
    ("sentiment", "float(1.5)", "column_values_to_be_between"),
    ("language", "'English'", "column_values_to_match_regex"),
)


def test_the_gate_finds_every_broken_reading(night: Night) -> None:
    build(night)
    broken = night.read(TABLE)
    for post_id, (column, value, _) in enumerate(BROKEN):
        changed = F.when(F.col("post_id") == post_id, F.expr(value)).otherwise(F.col(column))
        broken = broken.withColumn(column, changed)
    write_partition(night.lake, TABLE, broken.localCheckpoint(), [night.ds])
    verdict = run_gate(night, TABLE)
    failed = [result for result in verdict["results"] if not result["success"]]
    counts = {result["expectation"]: result["unexpected_count"] for result in failed}
    print(counts)
    assert not verdict["success"]
    assert counts.keys() == {check for _, _, check in BROKEN} | {"finite_numbers"}
    assert {result["column"] for result in failed} >= {"capital_share", "log_words", "sentiment"}
    assert counts["topics_are_shares"] == 2
