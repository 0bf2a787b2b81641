"""The list of Redis keys: spellings stay, every key can be taken apart again, and nobody spells one by hand."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts import redis_keys
from contracts.redis_key_kind import USER_TAG, KeyKind
from contracts.redis_keys import KEY_KINDS, PARTED, POINTER, POOL, Key, epoch_of, kind_named, parse_key
from contracts.redis_page import page

ROOT = Path(__file__).parents[2]
ROOMS = ("contracts", "spark_jobs", "serving", "dags", "infra", "benchmarks", "analysis", "models")
SPELLINGS = {
    "pool:12:{u1152921504606846977}": redis_keys.pool_key(12, 2**60 + 1),
    "pool:12:deep-2:{u-5}": redis_keys.pool_key(12, -5, "deep-2"),
    "uf:7:{u3}": redis_keys.features_key(7, 3),
    "post:7:-9": redis_keys.card_key(7, -9),
    "global:7:popular": redis_keys.fallback_key(7, "popular"),
    "fresh:7:{u3}": redis_keys.fresh_key(7, 3),
    "freshness": redis_keys.FRESHNESS_KEY,
    "epoch:pointer": redis_keys.POINTER_KEY,
    "claim:{epoch:pointer}": redis_keys.CLAIM_KEY,
    "block:{u3}": redis_keys.block_key(3),
    "hidden:{u3}": redis_keys.hidden_key(3),
    "parted:{u3}": redis_keys.parted_key(3),
    "acted:{u3}": redis_keys.acted_key(3),
    "takedown": redis_keys.TAKEDOWN_KEY,
    "narrowed": redis_keys.NARROWED_KEY,
    "held:{31}": redis_keys.HELD.key(31),
}
ids = st.integers(-(2**63), 2**63 - 1)


def test_spellings_stay() -> None:
    assert {spelt: spelt for spelt in SPELLINGS} == SPELLINGS
    assert {parse_key(spelt.encode()).kind for spelt in SPELLINGS} == set(KEY_KINDS)  # type: ignore[union-attr]


@given(st.sampled_from(KEY_KINDS), st.integers(1, 2**32 - 1), ids, st.from_regex(r"\A[a-z][a-z0-9_-]{0,31}\Z"))
def test_what_a_key_is_made_of_is_read_from_it(kind: KeyKind, epoch: int, number: int, arm: str) -> None:
    identity = {"list": "popular", "slot": abs(number), None: None}.get(kind.of, number)
    for given_arm in {None, arm if kind.per_arm else None}:
        made = Key(kind, epoch if kind.per_epoch else None, given_arm, identity)
        key = kind.key(identity, epoch=made.epoch, arm=given_arm).encode()
        assert parse_key(key) == made
        assert epoch_of(key) == made.epoch


@pytest.mark.parametrize(
    "text",
    [
        *(b"", b"pool", b"pool:1", b"pool:x:{u1}", b"pool:1:1", b"pool:1:{u1}:x", b"pool:1:A:{u1}", b"pool:1:2:{u1}"),
        *(
            b"uf:1:deep:{u1}",
            b"session:3:abc",
            b"epoch",
            b"epoch:other",
            b"takedown:1",
            b"post:1:x",
            b"\xff:1:2",
            b"pool:\xd9\xa1:{u1}",
        ),
    ],
)
def test_other_keys_are_no_keys_of_ours(text: bytes) -> None:
    assert parse_key(text) is None
    assert epoch_of(text) is None


@pytest.mark.parametrize("arm", ["", "7", "A", "a:b", "a}", "a|b", "a" * 33, "a\n"])
def test_an_arm_that_could_be_read_as_something_else_is_refused(arm: str) -> None:
    with pytest.raises(ValueError, match="has no arm"):
        redis_keys.pool_key(1, 2, arm)


def test_only_pools_have_arms() -> None:
    with pytest.raises(ValueError, match="kind features has no arm"):
        kind_named("features").key(1, epoch=1, arm="deep")
    assert [kind for kind in KEY_KINDS if kind.per_arm] == [POOL]


def test_a_users_keys_share_one_cluster_slot() -> None:
    for kind in KEY_KINDS:
        if kind.of == "user":
            key = kind.key(17, epoch=4 if kind.per_epoch else None)
            assert USER_TAG.findall(key.encode()) == [b"17"]


def test_kinds_differ_in_name_and_first_word() -> None:
    assert len({kind.name for kind in KEY_KINDS}) == len(KEY_KINDS)
    assert len({kind.prefix.partition(":")[0] for kind in KEY_KINDS}) == len(KEY_KINDS)


def test_what_goes_with_its_epoch_also_ends_by_itself() -> None:
    assert {kind.ttl_s(100) for kind in KEY_KINDS if kind.per_epoch} == {100}
    assert PARTED.ttl_s(100) == 100 + 86_400
    assert POINTER.ttl_s(100) is None


def test_nobody_spells_a_key_by_hand() -> None:
    words = "|".join(re.escape(kind.prefix.partition(":")[0]) for kind in KEY_KINDS)
    by_hand = re.compile(rf"""["'](?:{words}):[^"' ]|b?["'](?:takedown|narrowed)["']\s*,\s*(?:\*|position)""")
    files = [file for room in ROOMS for file in (ROOT / room).rglob("*.py") if file.name != "redis_keys.py"]
    assert len(files) > 100
    found = [f"{file}: {hit}" for file in files for hit in by_hand.findall(file.read_text())]
    assert found == []


def test_the_page_is_up_to_date() -> None:
    stale = "run: python -m contracts.redis_page > docs/redis.md"
    assert (ROOT / "docs" / "redis.md").read_text() == page(), stale
