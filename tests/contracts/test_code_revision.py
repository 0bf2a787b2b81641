"""The commit that a checkpoint and a manifest name."""

import subprocess
from typing import Any

import pytest

from contracts.code_revision import code_revision


def test_it_is_a_commit_or_unknown() -> None:
    revision = code_revision()
    assert revision == "unknown" or len(revision) == 40


def test_it_is_unknown_without_git(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: Any, **__: Any) -> None:
        raise FileNotFoundError("git")

    monkeypatch.setattr(subprocess, "run", missing)
    assert code_revision() == "unknown"
