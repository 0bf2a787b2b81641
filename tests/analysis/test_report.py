import base64
import json
import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from analysis.report import format_number, format_seconds, main, render
from analysis.report_numbers import (
    broken_rules,
    describe,
    funnel_per_user,
    read_run,
    redis_bytes_per_user,
    stage_seconds,
    table_rows,
)
from contracts.pipeline import STAGES, TABLES, tables_of

VOID = {"meta", "img", "br", "link"}


class Page(HTMLParser):
    """Tags, addresses and text of a page; fails on a tag that is closed out of order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.words: list[str] = []
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in {"src", "href"}]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def write(folder: Path, name: str, value: Any) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))


def interval(mean: float, half: float = 0.02) -> dict[str, float]:
    return {"mean": mean, "low": mean - half, "high": mean + half}


def rule(*, success: bool = True, severity: str = "critical", message: str = "holds") -> dict[str, Any]:
    return {
        "expectation": "column_values_to_be_between",
        "column": "position",
        "severity": severity,
        "success": success,
        "unexpected_count": 0 if success else 3,
        "element_count": 12,
        "message": message,
        "why": "positions start at 1",
    }


@pytest.fixture
def night(tmp_path: Path) -> Path:
    folder = tmp_path / "2026-03-08"
    for stage in STAGES:
        tables = {t.full_name: {"rows": 100, "seconds": 4.0, "gate_seconds": 1.5} for t in tables_of(stage)}
        record = {"started_at": "2026-03-09T00:10:00+00:00", "seconds": 20.0, "startup_seconds": 6.0}
        write(folder, f"stages/{stage}.json", {"stage": stage, **record, "peak_rss_mb": 1850.4, "tables": tables})
    for table in TABLES:
        verdict = {"table": table.full_name, "ds": "2026-03-08", "success": True, "rows": 100, "seconds": 1.5}
        write(folder, f"verdicts/{table.full_name}.json", {**verdict, "results": [rule()]})
    orders = {"ranker": interval(0.61), "chronological": interval(0.53), "popularity": interval(0.6)}
    pairs = {"ranker-chronological": interval(0.08), "ranker-popularity": interval(0.01)}
    metrics = {
        "model_version": "9f8e7d6c",
        "heldout_days": ["2026-03-07"],
        "num_users": 812,
        "metrics": {"ndcg@10": orders},
        "differences": {"ndcg@10": pairs},
        "segments": {"users": {"new": {"num_users": 20, "ndcg@10": orders}}, "content_type": {}},
        "auc": {"like": 0.71, "report": None},
        "grouped_auc": {"like": 0.66},
        "log_loss": {"like": 0.21, "report": 0.001},
        "ece": {"like": 0.012},
        "calibration": {"like": [[0.05, 0.06, 400], [0.2, 0.18, 100]], "report": []},
    }
    write(folder, "metrics.json", metrics)
    write(folder, "preflight.json", {"stops": [], "notes": []})
    again = [
        {"table": "gold.user_features", "day": "2026-03-06", "files": [f"2026-03-06/{at}.jsonl" for at in range(7)]}
    ]
    write(folder, "late_files.json", {"recomputed": again})
    write(folder, "train.json", {"model_version": "9f8e7d6c", "preset": "tiny", "rows": 5000, "seconds": 130.0})
    sides = {side: interval(0.5) for side in ("challenger", "baseline", "difference")}
    judged = {"verdict": "promoted", "model_version": "9f8e7d6c", "challenger": "9f8e7d6c", "baseline": "simple-score"}
    figures = {"metrics": {"ndcg@10": sides, "auc:like": None}, "heads": {"auc": {"like": dict.fromkeys(sides, 0.7)}}}
    promotion = {"reason": "it is no worse", "heldout_days": ["2026-03-07"], "num_users": 321}
    write(folder, "promotion.json", {**judged, **figures, **promotion})
    checks = [
        {"name": "share_of_active_users_with_pool", "value": 0.99, "threshold": 0.9, "passed": True},
        {"name": "min_depth", "value": 4, "threshold": None, "passed": True},
    ]
    write(folder, "audit.json", {"ds": "2026-03-08", "passed": True, "checks": checks})
    by = {"new_posts": 0.25, "rules": 0.0, "features": 0.125}
    most = [{"user_id": 1000499, "changed": 0.75, "by": by, "features": [{"name": "num_friends", "shift": 2.5}]}]
    compared = {"live": 2, "new": 3, "sampled": 50, "users": 48, "depth": 50, "changed": 0.375, "by": by}
    inputs = {"model_version": ["aaaa", "9f8e7d6c"]}
    write(folder, "difference.json", {**compared, "inputs": inputs, "features": [], "most": most})
    published = {"epoch": 3, "users": 50, "posts": 40, "pool_rows": 90, "bytes": 5000, "model_version": "9f8e7d6c"}
    kinds = {"pool": 4000, "features": 500, "card": 500}
    write(folder, "publish.json", {**published, "bytes_by_kind": kinds, "seconds": {"load": 1.25}})
    return folder


def test_the_page_is_one_file_without_scripts(night: Path) -> None:
    page = Page(render(night))
    assert not {"script", "link", "iframe", "object"} & set(page.tags)
    assert all(address.startswith(("data:image/svg+xml;base64,", "#")) for address in page.addresses)
    assert page.tags.count("img") == 6
    for address in page.addresses:
        if address.startswith("data:"):
            ET.fromstring(base64.b64decode(address.split(",")[1]))  # noqa: S314 - our own figure


def test_the_header_says_it_in_one_sentence(night: Path) -> None:
    assert describe(read_run(night)).state == "good"
    text = Page(render(night)).text
    assert (
        f"{len(TABLES)} tables passed, 0 failed; audit passed, 2 of 2 checks hold; "
        "the ranker beats newest first by +0.080 [+0.060, +0.100] NDCG@10; epoch 3 published for 50 users."
    ) in text
    assert "Every rule of every table holds." in text
    assert "By users" in text
    assert "By content type" not in text, "an empty group has no table"


@pytest.mark.parametrize(
    ("mean", "relation"), [(0.08, "beats"), (-0.08, "is behind"), (0.01, "does not differ clearly from")]
)
def test_a_difference_is_claimed_only_beyond_its_interval(night: Path, mean: float, relation: str) -> None:
    write(night, "metrics.json", {"differences": {"ndcg@10": {"ranker-chronological": interval(mean)}}})
    assert f"the ranker {relation} newest first" in describe(read_run(night)).sentence


def test_notes_of_jobs_come_before_the_gates(night: Path) -> None:
    assert 'id="notes"' not in render(night)
    write(night, "notes/gold.propensities.json", ["no impression of <feed> has a position"])
    write(night, "notes/gold.training_examples.json", [])
    page = render(night)
    assert "<li>gold.propensities: no impression of &lt;feed&gt; has a position</li>" in page
    assert page.index('id="notes"') < page.index('id="gates"')


def test_failures_come_first_and_turn_the_report_red(night: Path) -> None:
    results = [
        rule(success=False, severity="warning", message="observed 3.5"),
        rule(success=False, message="3 of 12 rows break it, for example <script>"),
    ]
    for name, found in {"silver.users": results[:1], "silver.posts": results}.items():
        success = name != "silver.posts"
        write(night, f"verdicts/{name}.json", {"table": name, "success": success, "rows": 12, "results": found})
    run = read_run(night)
    assert [(r["severity"], r["table"]) for r in broken_rules(run)] == [
        ("critical", "silver.posts"),
        ("warning", "silver.users"),
        ("warning", "silver.posts"),
    ]
    verdict = describe(run)
    assert verdict.state == "bad"
    assert verdict.sentence.startswith(f"{len(TABLES) - 1} tables passed, 1 failed (2 warnings)")
    html = render(night)
    assert "for example &lt;script&gt;" in html
    text = Page(html).text
    assert text.index("3 of 12 rows break it") < text.index("observed 3.5")
    assert text.index("silver.posts failed") < text.index("bronze.events passed")


def test_a_failed_audit_turns_the_report_red(night: Path) -> None:
    checks = [{"name": "duplicate_posts", "value": 7, "threshold": 0, "passed": False}]
    write(night, "audit.json", {"passed": False, "checks": checks})
    verdict = describe(read_run(night))
    assert verdict.state == "bad"
    assert "audit FAILED, 0 of 1 checks hold" in verdict.sentence
    assert "duplicate_posts 7 0 failed" in Page(render(night)).text


@pytest.mark.parametrize(
    ("name", "stage"),
    [
        ("preflight.json", "preflight"),
        ("train.json", "train"),
        ("promotion.json", "promote"),
        ("metrics.json", "evaluate"),
        ("audit.json", "audit"),
        ("difference.json", "publish"),
        ("publish.json", "publish"),
        ("stages/score.json", "score"),
        ("verdicts/gold.epochs.json", "publish"),
    ],
)
def test_a_missing_file_is_named_with_its_stage(night: Path, name: str, stage: str) -> None:
    (night / name).unlink()
    run = read_run(night)
    assert run.problems == {name: f"{name} is missing: the {stage} stage has not written it."}
    assert describe(run).state == "unfinished"


def test_a_night_that_wrote_nothing_still_has_a_report(tmp_path: Path) -> None:
    folder = tmp_path / "2026-03-08"
    folder.mkdir()
    page = Page(render(folder))
    assert "img" not in page.tags
    assert f"0 tables passed, 0 failed; {len(TABLES) + 21} files are missing or unreadable." in page.text
    assert all(problem in page.text for problem in read_run(folder).problems.values())


def test_a_truncated_file_is_named_and_does_not_stop_the_report(night: Path) -> None:
    (night / "metrics.json").write_text('{"metrics": {')
    (night / "audit.json").write_text("[]")
    text = Page(render(night)).text
    assert "metrics.json, written by the evaluate stage, cannot be read: " in text
    assert "audit.json, written by the audit stage, is not a JSON object." in text


def test_what_changes_against_the_live_epoch_is_told_by_user_and_cause(night: Path) -> None:
    text = Page(render(night)).text
    assert "Against the live epoch 2, on 48 users with a pool in both" in text
    assert "user all new posts rules features features that moved most" in text
    assert "1000499 0.75 0.25 0 0.125 num_friends" in text
    assert "model_version is another: aaaa → 9f8e7d6c" in text
    write(night, "difference.json", {"live": None, "new": 1})
    assert "No epoch was live to compare with." in Page(render(night)).text


def test_what_the_preflight_noted_is_told_at_the_top(night: Path) -> None:
    write(night, "preflight.json", {"stops": [], "notes": ["nothing landed on 2026-03-08"]})
    assert describe(read_run(night)).state == "warning"
    text = Page(render(night)).text
    assert text.index("nothing landed on 2026-03-08") < text.index("Every rule of every table holds.")


def test_a_night_that_stopped_at_its_start_says_why(night: Path) -> None:
    write(night, "preflight.json", {"stops": ["the candidate window is empty"], "notes": []})
    verdict = describe(read_run(night))
    assert verdict.state == "bad"
    assert verdict.sentence.startswith("the night stopped at its start: the candidate window is empty; ")


def test_a_night_without_a_model_says_so(night: Path) -> None:
    write(night, "train.json", {"model_version": None, "reason": "examples of 2 days, training needs 3"})
    write(night, "metrics.json", {"model_version": None, "heldout_days": [], "metrics": {}, "reason": "2 days"})
    write(night, "publish.json", {"epoch": 3, "users": 50, "model_version": "simple-score"})
    assert "no model was trained, the simple score ranks; epoch 3" in describe(read_run(night)).sentence
    text = Page(render(night)).text
    assert "No model was trained: examples of 2 days, training needs 3. The simple score ranks the night." in text
    assert "There is no model's order to judge: 2 days" in text
    assert "Trained with preset" not in text


def test_who_scores_the_night_is_told_with_both_sides(night: Path) -> None:
    text = Page(render(night)).text
    assert "it is no worse. 321 users on 2026-03-07." in text
    assert "metric 9f8e7d6c simple-score difference ndcg@10 0.5 [0.48, 0.52]" in text
    assert "auc:like n/a n/a n/a" in text
    assert "auc like 0.7 0.7" in text
    promotion = {"verdict": "rejected", "model_version": "01234567", "reason": "clearly worse", "metrics": {}}
    write(night, "promotion.json", promotion)
    (night / "publish.json").unlink()
    assert "; the new model is rejected, 01234567 scores the night; " in describe(read_run(night)).sentence
    assert "Model 01234567" in Page(render(night)).text


def test_a_night_without_ranked_lists_or_users(night: Path) -> None:
    write(night, "metrics.json", {"heldout_days": [], "num_users": 0, "metrics": {}, "differences": {}, "auc": {}})
    write(night, "publish.json", {"epoch": 1, "users": 0, "posts": 0, "pool_rows": 0, "bytes": 0})
    text = Page(render(night)).text
    assert "no user had enough held-out examples" in text
    assert "Bytes per user n/a" in text


def test_numbers_drawn_from_the_files(night: Path) -> None:
    write(night, "verdicts/silver.posts.json", {"success": True, "rows": 70, "results": []})
    (night / "verdicts/silver.users.json").unlink()
    run = read_run(night)
    rows = table_rows(run)
    assert list(rows) == [table.full_name for table in TABLES]
    assert rows["silver.posts"] == 70, "the gate's count is the one"
    assert rows["silver.users"] == 100, "else the stage's"
    assert stage_seconds(run)["score"] == (6.0, 20.0)
    assert funnel_per_user(run) == {"candidates": 2.0, "scored": 2.0, "ranked": 2.0, "published": 1.8}
    assert redis_bytes_per_user(run.publish) == {"pool": 80.0, "features": 10.0, "card": 10.0}
    assert redis_bytes_per_user({"users": 4, "bytes": 100}) == {"all keys": 25.0}


def test_the_same_files_give_the_same_report(night: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--runs", str(night.parent), "--ds", "2026-03-08"]
    assert main(arguments) == 0
    first = (night / "report.html").read_bytes()
    assert main(arguments) == 0
    assert (night / "report.html").read_bytes() == first
    assert re.search(r"report: .*2026-03-08/report\.html", capsys.readouterr().out)
    assert main(["--runs", str(night.parent), "--ds", "2026-03-09"]) == 1
    assert "no stage of this night has run" in capsys.readouterr().out


def test_numbers_are_written_for_people() -> None:
    values = (None, 12345, 0.123456, 3.0, 123456.7, "x", True)
    assert [format_number(value) for value in values] == ["n/a", "12,345", "0.1235", "3", "123,457", "x", "True"]
    assert [format_seconds(value) for value in (None, 61.26, 185.0)] == ["n/a", "61.3 s", "3 min 5 s"]
