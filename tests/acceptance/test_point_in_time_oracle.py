"""Training examples of a whole simulated night against a brute-force reference, example by example."""

from datetime import UTC, timedelta

from spark_jobs.night.night import Night
from tests.by_hand import (
    events_of_posts,
    locations_of,
    sample_of,
    sessions_of,
    wrong_context,
    wrong_counters,
    wrong_snapshots,
)
from tests.posts_by_hand import seen_at, versions_of_posts, wrong_contents, wrong_descriptions, wrong_tastes

SAMPLE = 1_000


def test_point_in_time_oracle(published: Night) -> None:
    examples = sample_of(published, published.read("gold.training_examples"), SAMPLE)
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
    locations = locations_of(published)
    print(f"{len(locations.countries)} known countries, known cities {', '.join(locations.cities)}")
    wrong += wrong_snapshots(
        examples,
        published.read("gold.user_features"),
        published.read("gold.affinity_features"),
        locations,
        published.settings.smoothing,
    )
    versions = versions_of_posts(published.landing)
    seen = [(seen_at(versions[row.post_id], row.shown_at), row) for row in examples]
    before = sum(version is not versions[row.post_id][-1] for version, row in seen)
    after = sum(version is not versions[row.post_id][0] for version, row in seen)
    unknown = sum(
        version.made < row.shown_at.astimezone(UTC) < version.received
        for row in examples
        for version in versions[row.post_id]
    )
    deleted = {row.post_id for row in published.read("silver.posts").where("is_deleted").select("post_id").collect()}
    num_deleted = sum(row.post_id in deleted for row in examples)
    print(f"{before} before an edit of their post, {after} after one, {unknown} while one was on its way, ", end="")
    print(f"{num_deleted} of a post that was deleted later")
    assert min(before, after, num_deleted) >= 10
    assert unknown >= 5
    wrong += wrong_descriptions(examples, versions)
    wrong += wrong_contents(examples, published.read("gold.content_embeddings"), versions)
    days = {row.ds for row in examples}
    for day in (max(days), min(days)):
        users = {row.user_id for row in examples if row.ds == day}
        wrong += wrong_tastes(published, users, day - timedelta(days=1), versions)
    read = sum(any(row.post_content_embedding) for row in examples)
    liked = sum(any(row.user_topic_preference) for row in examples)
    print(f"{read:,} whose post's text was read by hand, {liked:,} whose user had engaged with one")
    assert read > 0.9 * len(examples)
    assert liked > 0.1 * len(examples)
    wrong += wrong_context(examples, sessions_of(published, examples), locations)
    print(f"values that differ: {sum(wrong.values())}")
    assert not wrong
