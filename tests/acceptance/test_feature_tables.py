"""On a simulated network every feature is alive: it tells some users, posts, pairs or sessions from others.

Of the buckets into which cities are hashed, a network of three communities need not fill all.
"""

from pyspark.sql import functions as F

from contracts.features import FEATURES, TABLES, features_of, named_of
from spark_jobs.night import Night


def test_feature_tables(published: Night) -> None:
    constant: set[str] = set()
    for entity, table in {**TABLES, "context": "gold.training_examples"}.items():
        frame = published.read(table)
        columns = {f.example_column: f.example_column if entity == "context" else f.name for f in features_of(entity)}
        [row] = frame.select(*(F.max(at) - F.min(at) for at in columns.values())).collect()
        spread = dict(zip(columns, row, strict=True))
        constant |= {name for name, width in spread.items() if not width > 0}
        print(f"{entity:8} {len(named_of(entity))} named, {len(columns) - len(named_of(entity))} extras, in {table}")
    print(f"{len(FEATURES)} features; the same everywhere: {', '.join(sorted(constant))}")
    buckets = {feature.example_column for feature in features_of("context") if feature.name.startswith("city_")}
    assert len(buckets - constant) >= 2
    assert constant <= buckets
