import json

from serving.show_feed import describe_feed, printable
from tests.serving.reader_world import Seed, card_of


def test_what_a_terminal_would_obey_is_marked() -> None:
    assert printable("a\x1b[31mb\r\nc\x9b2J") == "a�[31mb��c�2J"
    assert printable("\u202eevil\u2069 \u2028") == "�evil� �"
    assert printable("Zoë 👩\u200d🚀 ok") == "Zoë 👩\u200d🚀 ok"


def test_a_name_cannot_forge_a_line_or_move_the_cursor() -> None:
    post = json.loads(card_of(Seed(5), 1)) | {"reason": "Your friend \x1b[2J posted", "ranking_score": None}
    post["author"]["name"] = "Eve\nepoch 9 · served from redis"
    post["content"]["text"] = "hello \x1b]0;title\x07 there"
    metadata = {"staleness_s": 5, "epoch": 1, "served_from": "redis", "generation_time_ms": 1, "ranking_version": "e"}
    shown = describe_feed({"posts": [post], "has_more": False, "metadata": metadata}, 1, 1_770_000_000.0)
    assert "\x1b" not in shown
    assert "\x07" not in shown
    assert [line for line in shown.splitlines() if line.startswith("epoch ")] == [shown.splitlines()[-1]]


def test_an_ad_for_an_older_post_has_no_counts() -> None:
    post = json.loads(card_of(Seed(5), 1)) | {"reason": "Sponsored", "ranking_score": None, "stats": None}
    metadata = {"staleness_s": 5, "epoch": 1, "served_from": "redis", "generation_time_ms": 1, "ranking_version": "e"}
    shown = describe_feed({"posts": [post], "has_more": False, "metadata": metadata}, 1, 1_770_000_000.0)
    assert "Sponsored (no score)" in shown
    assert "likes" not in shown
