"""``validate_landing`` on small areas: files that are not as they should be, references, copies, exit codes."""

import gzip
import json
from pathlib import Path

import pytest

from contracts.landing import ENVELOPE, EVENT_TYPES, REFUSALS
from contracts.references import CONTRADICTIONS, ENTITIES, REFERENCES
from spark_jobs.validate import validate_landing
from spark_jobs.validate.validate_landing import check_area, main, messages
from tests.landed import DS, Event, ad, campaign, engagement, event, impression, land, post, user

DAY = DS.isoformat()


def lines_about(landing: Path) -> list[str]:
    """Messages without their rule."""
    facts, violations, refused = check_area(str(landing))
    assert refused == []
    return [message.removeprefix(f"{DAY}/").rsplit(": ", 1)[0] for message in messages(facts, violations)]


def test_rules_are_about_fields_of_the_contract() -> None:
    names = {kind: {field.name for field in (*ENVELOPE, *fields)} for kind, fields in EVENT_TYPES.items()}
    for event_type, references in REFERENCES.items():
        for reference in references:
            assert reference.field in names[event_type]
            assert reference.reason in REFUSALS
            assert reference.only_when is None or reference.only_when[0] in names[event_type]
            assert reference.entity == "post" or reference.entity in ENTITIES
    for event_type, rule in CONTRADICTIONS.items():
        assert {rule.field, rule.other} <= names[event_type]
        assert rule.reason in REFUSALS
    for key, types in ENTITIES.values():
        assert all(key in names[event_type] for event_type in types)


def test_who_is_named_may_come_later_and_in_another_file(tmp_path: Path) -> None:
    lines: list[Event | str] = [engagement("e", 1, 10), post(10, 2), event("page_followed", "p", user_id=1, page_id=5)]
    land(tmp_path, DS, lines, "a.jsonl")
    people = [user(1), user(2), event("page_upserted", "page", page_id=5, owner_id=1, name="Page")]
    land(tmp_path, DS, people, "b.jsonl")
    assert lines_about(tmp_path) == []


def test_what_a_refused_event_makes_is_unknown_but_a_post_is_withheld(tmp_path: Path) -> None:
    lines = [
        user(1),
        event("page_upserted", "page", page_id=5, owner_id=9, name="Of nobody"),
        event("page_followed", "follows", user_id=1, page_id=5),
        campaign(7, 9),
        post(10, 1, privacy="secret"),
        post(11, 9),
        post(12, 1),
        ad(20, 7, 12),
        ad(21, 6, 10),
        impression("i10", 1, 10),
        impression("i11", 1, 11),
        impression("i12", 1, 12, ad_id=20),
        event("post_deleted", "d10", post_id=10),
        event("reaction", "r13", post_id=13, engagement_type="like"),
    ]
    land(tmp_path, DS, lines, "a.jsonl")
    assert lines_about(tmp_path) == [
        "a.jsonl:2: unknown_user (owner_id=9)",
        "a.jsonl:3: unknown_page (page_id=5)",
        "a.jsonl:4: unknown_user (advertiser_id=9)",
        'a.jsonl:5: value_not_allowed (privacy="secret", must be public, friends, friends_except, only_me or custom)',
        "a.jsonl:6: unknown_user (author_id=9)",
        "a.jsonl:8: unknown_campaign (campaign_id=7)",
        "a.jsonl:9: withheld_post (post_id=10)",
        "a.jsonl:10: withheld_post (post_id=10)",
        "a.jsonl:11: withheld_post (post_id=11)",
        "a.jsonl:12: unknown_ad (ad_id=20)",
        "a.jsonl:13: unknown_post (post_id=10)",
        "a.jsonl:14: unknown_post (post_id=13)",
    ]


def test_a_copy_names_the_event_and_makes_nothing(tmp_path: Path) -> None:
    land(tmp_path, DS, [user(1) | {"received_at": "2026-03-08T12:00:09Z"}, user(2, "user-1")], "b.jsonl")
    land(tmp_path, DS, [engagement("e", 1, 10), post(10, 2)], "c.jsonl")
    assert lines_about(tmp_path) == [
        "b.jsonl:1: duplicate_event (event_id=user-1, first in 2026-03-08/b.jsonl:2)",
        "c.jsonl:1: unknown_user (user_id=1)",
    ]


def test_a_file_that_cannot_be_read_is_named_and_the_others_are_checked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = land(tmp_path, DS, [user(1), "{"], "a.jsonl").parent
    (folder / "not.jsonl.gz").write_text(json.dumps(user(2)) + "\n")
    (folder / "cut.jsonl.gz").write_bytes(gzip.compress(json.dumps(user(3)).encode() + b"\n")[:-9])
    (folder / "gzip.jsonl").write_bytes(gzip.compress(json.dumps(user(4)).encode() + b"\n") + b"\n")
    (folder / "table.csv").write_text("a,b\n")
    (folder / "gone.jsonl").symlink_to("nowhere")
    assert main(["--landing", str(tmp_path)]) == 2
    output, errors = capsys.readouterr()
    assert errors == ""
    lines = output.splitlines()
    assert f"{DAY}/a.jsonl:2: malformed_json (character 2: expecting property name" in output
    assert any(line.startswith(f"{DAY}/not.jsonl.gz is no gzip file") for line in lines)
    assert any(line.startswith(f"{DAY}/cut.jsonl.gz ends within") for line in lines)
    assert f"{DAY}/gzip.jsonl:1: not_utf8 (gzip data: name the file .gz)" in output
    assert any(line.startswith(f"{DAY}/table.csv ") for line in lines)
    assert any(line.startswith(f"{DAY}/gone.jsonl ") for line in lines)
    assert "lines of 4 files: 1 accepted" in output
    assert lines[-1].split() == ["4", "not", "read", "as", "a", "file,", "or", "not", "to", "its", "end"]


def test_exit_codes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--landing", str(tmp_path / "nowhere")]) == 2
    assert "nowhere: no file <YYYY-MM-DD>/<name>.jsonl" in capsys.readouterr().err
    (tmp_path / "events.jsonl").write_text(json.dumps(user(1)))
    assert main(["--landing", str(tmp_path)]) == 2
    assert "events.jsonl lies in no day" in capsys.readouterr().out
    (tmp_path / "events.jsonl").unlink()
    land(tmp_path, DS, [user(1)])
    assert main(["--landing", str(tmp_path)]) == 0
    assert "1 line of 1 file: 1 accepted, 0 refused" in capsys.readouterr().out
    land(tmp_path, DS, ["{"], "b.jsonl")
    assert main(["--landing", str(tmp_path)]) == 1
    (tmp_path / "dataset.json").write_text('{"late_day": 1}')
    assert main(["--landing", str(tmp_path)]) == 2
    assert "dataset.json: unknown key 'late_day'" in capsys.readouterr().err


def test_processes_side_by_side_tell_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a", "b", "c"):
        land(tmp_path, DS, [user(1), user(2, f"two-{name}"), engagement(f"e-{name}", 3, 10), "{"], f"{name}.jsonl")
    alone = lines_about(tmp_path)
    assert len(alone) == 8
    monkeypatch.setattr(validate_landing, "BYTES_PER_PROCESS", 100)
    assert lines_about(tmp_path) == alone
