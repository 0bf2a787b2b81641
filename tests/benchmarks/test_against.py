"""How two commits' nights are compared."""

import json
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from benchmarks import against
from benchmarks.against import LINKED, Bench, Nights, check_out, compare, name_of, print_table, run_all
from benchmarks.night_costs import Checkout, Cost

THIS = {"ingest": (10.0, 12.0, 50.0), "promote": (1.0, 1.0, 1.0)}
OTHER = {"ingest": (30.0, 24.0, 20.0)}


def nights() -> Nights:
    """Three first nights of each side; the other lacks a stage."""
    return {
        name_of("first", run, side): {stage: Cost(taken[run], 1.0, 100.0 * (run + 1)) for stage, taken in costs.items()}
        for side, costs in (("this", THIS), ("other", OTHER))
        for run in range(3)
    }


def test_ratios_are_of_medians_and_a_stage_of_one_side_has_none(capsys: pytest.CaptureFixture[str]) -> None:
    rows = compare(nights(), "first", 3)
    assert rows["ingest"] == {"this_s": 12.0, "other_s": 24.0, "ratio": 2.0, "this_mb": 300.0, "other_mb": 300.0}
    assert (rows["promote"]["this_s"], rows["promote"]["other_s"], rows["promote"]["ratio"]) == (1.0, None, None)
    assert (rows["whole"]["this_s"], rows["whole"]["ratio"]) == (13.0, round(24 / 13, 3))
    print_table("first", rows)
    assert "- → 1.0" in capsys.readouterr().out


def test_a_benchmark_that_is_cut_off_goes_on_with_the_night_that_it_was_at(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ran: list[str] = []

    def run_one(_bench: Bench, kind: str, run: int, side: str) -> dict[str, Cost]:
        if len(ran) == 5:
            raise RuntimeError("cut off")
        ran.append(name_of(kind, run, side))
        return {"ingest": Cost(1.0, 0.5, 100.0)}

    monkeypatch.setattr(against, "run_one", run_one)
    checkout = Checkout(tmp_path, "run.py", ("ingest",))
    bench = Bench(tmp_path, {"this": checkout, "other": checkout}, users=100, days=2, runs=2)
    with pytest.raises(RuntimeError, match="cut off"):
        run_all(bench)
    before, ran[:] = list(ran), []
    assert before == ["first 0 this", "first 0 other", "first 1 other", "first 1 this", "steady 0 this"]
    assert sorted(json.loads(bench.results.read_text())) == sorted(before)
    done = run_all(bench)
    assert ran == ["steady 0 other", "steady 1 other", "steady 1 this"]
    assert sorted(done) == sorted([*before, *ran])


def test_first_nights_alone_are_compared_where_steady_ones_are_left_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(against, "run_one", lambda *_: {"ingest": Cost(1.0, 0.5, 100.0)})
    checkout = Checkout(tmp_path, "run.py", ("ingest",))
    bench = Bench(tmp_path, {"this": checkout, "other": checkout}, 100, 2, 1, ("first",))
    assert sorted(run_all(bench)) == ["first 0 other", "first 0 this"]


def test_the_other_commit_is_never_set_up_through_links(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """First it locks what this checkout locks, then, after this one changed, no longer."""
    linked_at_setup: list[bool] = []
    differs = [0]

    def run(words: list[str], **_options: object) -> CompletedProcess[str]:
        if words[0] == "make":
            linked_at_setup.extend((tmp_path / name).is_symlink() for name in LINKED)
        return CompletedProcess(words, differs[0] if words[0] == "git" else 0)

    monkeypatch.setattr("benchmarks.against.subprocess.run", run)
    monkeypatch.setattr(Checkout, "at", lambda root: Checkout(root, "run.py", ()))
    check_out("HEAD", tmp_path)
    assert all((tmp_path / name).is_symlink() for name in LINKED)
    assert linked_at_setup == []
    differs[0] = 1
    check_out("HEAD", tmp_path)
    assert linked_at_setup == [False] * len(LINKED)
