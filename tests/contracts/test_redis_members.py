"""Members of sets in Redis: spellings stay, and nobody spells one by hand."""

import re
from pathlib import Path

from contracts.redis_members import ACT_MEMBERS, ACTS, FRIEND, GROUP, MemberKind, ids_by_kind, split_member

ROOT = Path(__file__).parents[2]
ROOMS = ("contracts", "storage", "spark_jobs", "serving", "replay", "dags", "infra", "benchmarks", "analysis", "models")


def test_spellings_stay() -> None:
    assert (FRIEND.member(2**60 + 1), GROUP.member(-5)) == ("friend:1152921504606846977", "group:-5")
    assert [ACT_MEMBERS[act].member(7) for act in ACTS] == ["like:7", "comment:7", "share:7"]
    assert MemberKind("user").member(-3) == "-3"


def test_a_group_is_no_person() -> None:
    assert [kind.erased_as for kind in (FRIEND, GROUP, ACT_MEMBERS["like"])] == ["user", None, "post"]


def test_a_member_is_split_as_it_was_built() -> None:
    for kind in (FRIEND, GROUP, *ACT_MEMBERS.values()):
        assert split_member(kind.member(-9).encode()) == (kind.tag, b"-9")
    assert split_member(b"7") == (b"7", b"")
    for odd in (b"", None, 5):
        assert split_member(odd) == (b"", b"")


def test_ids_are_sorted_by_kind() -> None:
    members = [b"like:1", b"share:x", b"like:2", b"follow:3", b"like", b"4", 5]
    assert ids_by_kind(members, ACT_MEMBERS.values()) == {"like": [b"1", b"2"], "share": [b"x"]}


def test_nobody_spells_a_member_by_hand() -> None:
    names = "|".join(kind.name for kind in (FRIEND, GROUP, *ACT_MEMBERS.values()))
    by_hand = re.compile(rf"""["'](?:{names}):(?:["'{{]|[0-9])|partition\(b":"\)""")
    files = [file for room in ROOMS for file in (ROOT / room).rglob("*.py") if file.name != "redis_members.py"]
    assert len(files) > 100
    assert [f"{file}: {hit}" for file in files for hit in by_hand.findall(file.read_text())] == []
