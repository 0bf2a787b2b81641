"""The feature registry has every feature of the product once, and no other list repeats it."""

import json
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from contracts.features import (
    FEATURES,
    TABLES,
    Entity,
    defaults_of,
    features_of,
    named_of,
    names_of,
    place_of,
    schema_hash,
    width_of,
)
from contracts.features.page import page

ROOT = Path(__file__).resolve().parents[2]
GROUPS: dict[Entity, dict[str, int]] = {
    "user": {"demographics": 5, "activity": 10, "history": 15, "network": 10, "interests": 10},
    "post": {"content_type": 4, "engagement": 6, "velocity": 3, "author": 7, "time": 4, "quality": 6},
    "pair": {"relationship": 6, "history": 6, "content_affinity": 5, "social_proof": 3},
}
"""How many features the product names."""

CONTEXT = {"hour", "weekday", "weekend", "device", "connection", "location", "session"}


def test_the_product_s_features_are_all_there() -> None:
    for entity, groups in GROUPS.items():
        found = Counter(feature.group for feature in named_of(entity))
        assert {group: found[group] for group in groups} == groups, entity
    assert [len(named_of(entity)) for entity in ("user", "post", "pair", "context")] == [50, 30, 20, 20]
    assert {feature.group for feature in named_of("context")} == CONTEXT


def test_the_encoders_take_as_many_inputs_as_the_product_says() -> None:
    assert (width_of("user"), width_of("post"), width_of("context")) == (128, 128, 20)
    for entity in ("user", "post", "pair", "context"):
        places = [place_of(entity, name) for name in names_of(entity)]
        widths = [feature.size for feature in features_of(entity)]
        assert places == [sum(widths[:at]) for at in range(len(widths))]
        assert len(defaults_of(entity)) == width_of(entity)


def test_a_feature_has_one_column_and_says_what_it_is() -> None:
    assert len({feature.example_column for feature in FEATURES}) == len(FEATURES)
    assert [feature.name for feature in FEATURES if not feature.doc or not feature.unit] == []


def test_what_is_expected_of_the_context_is_a_user_feature_with_the_same_default() -> None:
    users = {feature.name: feature.default for feature in features_of("user")}
    for feature in features_of("context"):
        if feature.expected:
            assert users[feature.expected] == feature.default, feature.name
    assert not any(feature.expected for feature in FEATURES if feature.entity != "context")


def test_defaults_keep_to_their_expectations() -> None:
    """And every feature has one, with both ends, in the suite of its table; so has every example of the context's."""
    for entity, table in {**TABLES, "context": "gold.training_examples"}.items():
        suite = json.loads((ROOT / "expectations" / f"{table.replace('.', '/')}.json").read_text())
        ranges = {
            item["kwargs"]["column"]: item
            for item in suite["expectations"]
            if item["type"] == "expect_column_values_to_be_between"
        }
        vectors = [feature for feature in features_of(entity) if feature.size > 1]
        for feature in features_of(entity):
            if feature in vectors:
                continue
            item = ranges[feature.example_column if entity == "context" else feature.name]
            assert item["severity"] == "critical", feature.name
            assert item["kwargs"]["min_value"] <= feature.default <= item["kwargs"]["max_value"], feature.name
        if entity != "context":
            scalars = set(names_of(entity)) - {feature.name for feature in vectors}
            assert set(ranges) == scalars, f"{table} expects columns that no feature has"
            of_table = {feature.name: feature for feature in vectors}
            assert rules_of_vectors(table) == {name: str(feature.size) for name, feature in of_table.items()}


def rules_of_vectors(table: str) -> dict[str, str]:
    """The vectors whose length and range a table's checks.sql holds, with that length."""
    checks = (ROOT / "sql" / table.replace(".", "/") / "checks.sql").read_text()
    rule = r"SIZE\((\w+)\) = (\d+) AND all_between\(\1, -?[\d.]+, [\d.]+\)"
    return dict(re.findall(rule, checks))


def test_vectors_of_examples_are_held_to_the_rules_of_their_tables() -> None:
    vectors = {feature.example_column: str(feature.size) for feature in FEATURES if feature.size > 1}
    assert rules_of_vectors("gold.training_examples") == vectors


def test_the_page_is_made_from_the_registry() -> None:
    message = "run `python -m contracts.features > docs/features.md`"
    assert (ROOT / "docs" / "features.md").read_text() == page(), message


@pytest.mark.parametrize("seed", ["0", "1"])
def test_the_hash_is_the_same_in_every_process(seed: str) -> None:
    command = [sys.executable, "-c", "from contracts.features import schema_hash; print(schema_hash())"]
    env = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)}
    printed = subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout
    assert printed.strip() == schema_hash()


ONE_MORE = """
import contracts.features as registry
shoe_size = registry.Feature("user", "demographics", "shoe_size", "EU", 42.0, "an invention of this test", size=%d)
before = registry.width_of("user")
registry.FEATURES = (shoe_size, *registry.FEATURES)
from models import examples, network
from spark_jobs.publish import measuring
from spark_jobs.score import candidate_scorer
counts = {"users": 0, "vectors": 1, "cards": 0, "pool_rows": 0, "card_bytes": 0}
per_key = measuring.estimate_bytes({**counts, "vectors": 0}, 0) + measuring._KEY_BYTES
print(
    network.NUM_USER - before,
    len(candidate_scorer._USER_DEFAULTS) - before,
    candidate_scorer._USER_DEFAULTS[0],
    examples.FEATURE_COLUMNS[0],
    registry.example_columns()[0],
    measuring.estimate_bytes(counts, 0) - per_key - 2 * before,
)
"""


@pytest.mark.parametrize("size", [1, 3])
def test_a_new_feature_reaches_trainer_scorer_and_packer_without_an_edit(size: int) -> None:
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    printed = subprocess.run(
        [sys.executable, "-c", ONE_MORE % size], env=env, capture_output=True, text=True, check=True
    ).stdout
    network, scorer, default, loaded, column, packed = printed.split()
    assert (network, scorer) == (str(size), str(size))
    assert (default, loaded, column) == ("42.0", "user_shoe_size", "user_shoe_size")
    assert packed == str(2 * size)  # bytes: a half float more for each number
