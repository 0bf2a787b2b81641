"""On a simulated network every feature is alive: it differs between users, posts, pairs or sessions.

A network of three communities need not have as many cities as a model can know, nor need it speak all languages.
"""

from pyspark.sql import functions as F

from contracts.features import FEATURES, LANGUAGES, TABLES, features_of, named_of
from spark_jobs.night.night import Night


def test_feature_tables(published: Night) -> None:
    constant: set[str] = set()
    for entity, table in {**TABLES, "context": "gold.training_examples"}.items():
        frame = published.read(table)
        columns = {f.example_column: f.example_column if entity == "context" else f.name for f in features_of(entity)}
        numbers = {
            f"{f.example_column}{f'[{at}]' if f.size > 1 else ''}": F.get(columns[f.example_column], F.lit(at))
            if f.size > 1
            else F.col(columns[f.example_column])
            for f in features_of(entity)
            for at in range(f.size)
        }
        [row] = frame.select(*(F.max(number) - F.min(number) for number in numbers.values())).collect()
        spread = dict(zip(numbers, row, strict=True))
        constant |= {name for name, width in spread.items() if not width > 0}
        extras = len(columns) - len(named_of(entity))
        print(f"{entity:8} {len(named_of(entity))} named, {extras} extras, {len(numbers)} inputs, in {table}")
    print(f"{len(FEATURES)} features; the same everywhere: {', '.join(sorted(constant))}")
    cities = {feature.example_column for feature in features_of("context") if feature.name.startswith("city_")}
    cities |= {feature.example_column for feature in features_of("user") if feature.name.startswith("city_")}
    assert len(cities - constant) >= 4
    languages = {f"post_language[{at}]" for at in range(len(LANGUAGES))}
    assert len(languages - constant) >= 2
    assert constant <= cities | languages
