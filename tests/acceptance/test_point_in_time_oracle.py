"""Training examples of a whole simulated night against a brute-force reference, example by example."""

from pyspark.sql import functions as F

from spark_jobs.night import Night
from tests.by_hand import events_of_posts, sessions_of, wrong_context, wrong_counters, wrong_snapshots

SAMPLE = 1_000


def test_point_in_time_oracle(published: Night) -> None:
    examples = published.read("gold.training_examples").orderBy(F.xxhash64("example_id")).limit(SAMPLE).collect()
    events = events_of_posts(published, (row.post_id for row in examples))
    log = [event for of_post in events.values() for event in of_post]
    late = sum((event.received - event.happened).total_seconds() > 3600 for event in log)
    instants = {(row.post_id, row.shown_at) for row in examples}
    ties = sum((post_id, event.happened) in instants for post_id, of_post in events.items() for event in of_post)
    print(f"{len(examples):,} examples, {len(log):,} events of their posts, {late:,} received over an hour late,")
    print(f"{ties:,} at the very instant of an example")
    assert late > 0
    assert ties >= len(examples), "an example's own view happens at its instant and must not count"
    wrong = wrong_counters(examples, events, published.settings.smoothing)
    wrong += wrong_snapshots(examples, published.read("gold.user_features"), published.read("gold.affinity_features"))
    wrong += wrong_context(examples, sessions_of(published, examples))
    print(f"values that differ: {sum(wrong.values())}")
    assert not wrong
