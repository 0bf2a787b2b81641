import json

import numpy as np
import pytest

from contracts.epochs import REASONS
from serving.reader.cards import Card, CardCache, render_post
from serving.reader.responses import Post
from serving.reader.values import parse_card
from tests.serving.reader_world import BIG, Seed, card_of


def read_card(value: bytes, post_id: int) -> Card:
    card = parse_card(value, post_id)
    assert card is not None
    return card


def test_ids_are_text_so_that_javascript_keeps_them() -> None:
    card = read_card(card_of(Seed(BIG, author_id=BIG + 2), 1), BIG)
    post = json.loads(render_post(card, 0.5, 0, 1.0, None))
    assert post["id"] == "9007199254740993"
    assert post["author"]["id"] == "9007199254740995"
    assert post["source"]["id"] == "9007199254740995"


@pytest.mark.parametrize(
    ("reason", "sentence"),
    [
        ("friend_posted", 'Your friend Ada "100" Ö posted this'),
        ("page_posted", "You follow Bees & Co"),
        ("group_posted", "Posted in your group Bees & Co"),
        ("popular", "Popular with many people"),
    ],
)
def test_every_reason_is_a_sentence_with_names_escaped(reason: str, sentence: str) -> None:
    card = read_card(card_of(Seed(5), 1), 5)
    assert json.loads(render_post(card, 0.5, REASONS.index(reason), 1.0, None))["reason"] == sentence


def test_all_reasons_render_and_an_unknown_one_is_no_error() -> None:
    card = read_card(card_of(Seed(5), 1), 5)
    sentences = {json.loads(render_post(card, 0.5, code, 1.0, None))["reason"] for code in range(len(REASONS) + 1)}
    assert len(sentences) == len(REASONS) + 1


def test_a_score_that_json_cannot_hold_is_null() -> None:
    card = read_card(card_of(Seed(5), 1), 5)
    assert json.loads(render_post(card, float("nan"), 0, 1.0, None))["ranking_score"] is None
    assert json.loads(render_post(card, float("-inf"), 0, 1.0, None))["ranking_score"] is None
    assert json.loads(render_post(card, -1.25, 0, 1.0, None))["ranking_score"] == -1.25


def test_the_chance_of_a_draw_is_told_to_the_last_bit_and_null_where_it_is_not_known() -> None:
    card = read_card(card_of(Seed(5), 1), 5)
    chance = float(np.float32(0.0123456789))
    assert np.float32(json.loads(render_post(card, 0.5, 0, chance, None))["propensity"]) == np.float32(chance)
    assert json.loads(render_post(card, 0.5, 0, 1.0, None))["propensity"] == 1
    assert json.loads(render_post(card, 0.5, 0, float("nan"), None))["propensity"] is None


def test_the_cache_drops_the_least_recently_used_beyond_its_bytes() -> None:
    card = read_card(card_of(Seed(5), 1), 5)
    cache = CardCache(max_bytes=3 * card.num_bytes)
    for post_id in (1, 2, 3):
        cache.put(1, post_id, card)
    assert cache.get(1, 1) is card
    cache.put(1, 4, card)
    assert [cache.get(1, post_id) is not None for post_id in (1, 2, 3, 4)] == [True, False, True, True]
    assert cache.num_bytes == 3 * card.num_bytes
    cache.put(1, 4, card)
    assert cache.num_bytes == 3 * card.num_bytes


def test_the_cache_forgets_other_epochs() -> None:
    card = read_card(card_of(Seed(5), 1), 5)
    cache = CardCache(max_bytes=10**6)
    cache.put(1, 5, card)
    cache.put(2, 5, card)
    cache.keep_epochs({2, 3})
    assert cache.get(1, 5) is None
    assert cache.get(2, 5) is card
    assert cache.num_bytes == card.num_bytes


def test_the_card_of_a_post_whose_author_nobody_knows() -> None:
    value = json.loads(card_of(Seed(5), 1))
    value |= {"author": None, "source": {"type": "friend", "id": None, "name": ""}}
    post = json.loads(render_post(read_card(json.dumps(value).encode(), 5), 0.5, REASONS.index("popular"), 1.0, None))
    assert (post["author"], post["source"]["id"]) == (None, None)
    assert Post.model_validate_json(json.dumps(post), strict=True).author is None
