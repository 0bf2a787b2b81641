"""The list of keys in the collector's Redis: spellings stay, and no key of the reader's Redis begins like one."""

import re
from pathlib import Path

from contracts.collector_keys import COLLECTOR_KEYS, DRAINING, POSTED, RATE, STREAM, TAKEN
from contracts.redis_keys import KEY_KINDS, parse_key

ROOT = Path(__file__).parents[2]
SPELLINGS = {
    "collected": STREAM,
    "draining": DRAINING,
    "taken:{u-5}:7": TAKEN.key(-5, 7),
    "rate:{u5}:7": RATE.key(5, 7),
    "posted:{u5}:7": POSTED.key(5, 7),
}


def test_spellings_stay_and_are_on_the_page() -> None:
    assert {spelt: spelt for spelt in SPELLINGS} == SPELLINGS
    first_words = [key.spelling.partition(":")[0] for key in COLLECTOR_KEYS]
    assert first_words == [spelt.partition(":")[0] for spelt in SPELLINGS]
    assert not set(first_words) & {kind.prefix.partition(":")[0] for kind in KEY_KINDS}
    assert [parse_key(spelt.encode()) for spelt in SPELLINGS] == [None] * len(SPELLINGS)


def test_a_key_lives_for_its_window_and_the_next() -> None:
    assert [key.ttl_s(900) for key in (TAKEN, RATE, POSTED)] == [1800, 120, 172_800]
    assert [key.lives_for for key in COLLECTOR_KEYS[2:]] == ["2 windows", "2 minutes", "2 days"]


def test_nobody_spells_a_key_by_hand() -> None:
    by_hand = re.compile(r"""["'](?:taken|rate|posted):\{|b?["'](?:collected|draining)["']""")
    rooms = (ROOT / room for room in ("serving", "infra", "benchmarks", "spark_jobs"))
    found = [file for room in rooms for file in room.rglob("*.py") if by_hand.search(file.read_text())]
    assert found == []
