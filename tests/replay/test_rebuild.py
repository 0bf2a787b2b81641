"""A page is rebuilt from its record; one changed input is named, and no other."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from contracts.epochs import Pool, unpack_pool
from contracts.page_records import PageRecord
from replay.differences import CannotReplayError
from replay.rebuild import rebuild
from replay.recorded import find_records
from serving.reader.assembly import PageInputs, Source, assemble_from
from serving.reader.cards import Card
from serving.reader.pages import FeedPage, FeedRequest
from serving.reader.records import record_of
from serving.reader.selection import Suppression
from serving.reader.values import parse_card
from tests.serving.reader_world import Seed, card_of, packed

SEEDS = [Seed(10 + n, 100 + n) for n in range(8)]
POOL = unpack_pool(packed(7, 1, SEEDS))


def cards_of(seeds: list[Seed], epoch: int = 7) -> dict[int, Card]:
    found = {seed.post_id: parse_card(card_of(seed, epoch), seed.post_id) for seed in seeds}
    return {post: card for post, card in found.items() if card is not None}


def served(now: float = 1.5) -> PageRecord:
    """Posts 10, 12, 14 and 15: 11 is of a blocked author, 13 is hidden; 17 would follow, 16 is taken down."""
    suppression = Suppression(frozenset({101, 5}), frozenset({13, 6}))
    inputs = PageInputs(Source("redis", POOL), "all", 4, suppression, frozenset({16}), {})
    made = assemble_from(inputs, cards_of(SEEDS).get)
    return record_of(FeedRequest(1, 4), FeedPage(inputs, made, None, 7), now)


def named(record: PageRecord, pool: Pool | None = POOL, cards: dict[int, Card] | None = None) -> list[str]:
    return [str(found) for found in rebuild(record, pool, cards_of(SEEDS) if cards is None else cards).differences]


def test_the_same_page() -> None:
    assert served().rows == (0, 2, 4, 5)
    assert named(served()) == []
    assert PageRecord.loads(served().dumps()) == served()


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"blocked": ()}, "suppression: block withheld 1 posts of the pool, the record's entries 0"),
        ({"hidden": ()}, "suppression: hidden withheld 1 posts of the pool, the record's entries 0"),
        ({"taken_down": (16, 17)}, "suppression: takedown withheld 1 posts of the pool, the record's entries 2"),
        ({"count": 3}, "selection: other posts of the same pool: filter, count or start of the record differ"),
    ],
)
def test_a_changed_record_is_named(changed: dict[str, Any], words: str) -> None:
    assert named(replace(served(), **changed)) == [words]


def test_a_changed_card_is_named_by_its_post() -> None:
    changed = cards_of([SEEDS[4]], epoch=6)
    assert named(served(), cards=cards_of(SEEDS) | changed) == [
        "card: the card of post 14 was another one when it was served"
    ]
    lost = {post: card for post, card in cards_of(SEEDS).items() if post != 14}
    assert named(served(), cards=lost)[0] == "card: the lake has no card of post 14, which was shown"


def test_published_suppression_that_the_reader_did_not_have_is_noted() -> None:
    written = [("block", 101), ("block", 102), ("hidden", 14), ("takedown", 16), ("takedown", 99)]
    found = rebuild(served(), POOL, cards_of(SEEDS), written)
    assert found.differences == ()
    assert found.not_in_effect == (
        "block 102 was published with epoch 7 and not in effect: lifted since, or lost",
        "hidden 14 was published with epoch 7 and not in effect: lifted since, or lost",
    )


def test_another_pool_is_named_and_nothing_that_follows_from_it() -> None:
    other = unpack_pool(packed(7, 1, [replace(SEEDS[0], score=0.25), *SEEDS[1:]]))
    assert named(served(), other) == ["pool: the user's pool in epoch 7 had another fingerprint when it was served"]
    assert named(served(), None) == ["pool: the lake has no rows of the user's pool in epoch 7"]


def test_a_reader_that_has_changed_is_named() -> None:
    [words] = named(replace(served(), posts="0" * 32))
    assert words == "code: every input is the same and the posts' bytes are not: the reader has changed"


def test_a_page_that_was_passed_over_for_want_of_a_card_is_passed_over_again() -> None:
    inputs = PageInputs(Source("redis", POOL), "all", 4, Suppression(), frozenset(), {})
    some = {post: card for post, card in cards_of(SEEDS).items() if post != 11}
    made = assemble_from(inputs, some.get)
    record = record_of(FeedRequest(1, 4), FeedPage(inputs, made, None, 7), 1.5)
    assert (record.rows, record.cardless) == ((0, 2, 3, 4), (1,))
    assert named(record) == []


def test_records_are_found_by_user_epoch_and_time(tmp_path: Path) -> None:
    lines = [served(at).dumps() for at in (3_600.0, 60.0, 90_000.0)]
    (tmp_path / "pages-1970-01-01.jsonl").write_text("\n".join([*lines[:2], lines[2][:50]]))
    (tmp_path / "pages-1970-01-02.jsonl").write_text(lines[2])
    assert [record.at for record in find_records(tmp_path, 1, 7)] == [
        *("1970-01-01T00:01:00.000Z", "1970-01-01T01:00:00.000Z", "1970-01-02T01:00:00.000Z")
    ]
    assert [record.at for record in find_records(tmp_path, 1, 7, "1970-01-01T01")] == ["1970-01-01T01:00:00.000Z"]
    assert json.loads(lines[0])["user_id"] == 1


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ((2, 7), r"record: no page of user 2 in epoch 7 .*; the user is not in the sample \(reader.replay_share\)"),
        ((1, 8), "record: no page of user 1 in epoch 8 .*; there are pages of epoch 7: name one of these"),
        (
            (1, 7, "1970-01-03"),
            "record: no page was served at 1970-01-03; user 1 had pages at 1970-01-01T00:00:01.500Z",
        ),
    ],
)
def test_what_is_not_found_is_named_with_the_fix(tmp_path: Path, asked: Any, words: str) -> None:
    (tmp_path / "pages-1970-01-01.jsonl").write_text(served().dumps())
    with pytest.raises(CannotReplayError, match=words):
        find_records(tmp_path, *asked)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(CannotReplayError, match=r"record: there is no folder .*: give the one that readers have"):
        find_records(tmp_path / "nowhere", 1, 7)
