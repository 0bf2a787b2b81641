from datetime import date
from pathlib import Path
from typing import Any

import pytest

from contracts.settings import Settings
from spark_jobs.night.lake import Lake
from spark_jobs.night.night import Night
from spark_jobs.publish.epoch_store import PublishFailed
from spark_jobs.publish.manifest import read_audit

VERDICT = '{"ds": "2026-03-08", "passed": true, "ranked_version": 3, "ads_version": 2, "checks": []}'
BROKEN = '{"name": "duplicate_posts", "value": 2, "threshold": 0, "passed": false}'


@pytest.fixture
def night(tmp_path: Path) -> Night:
    no_spark: Any = None
    made = Night(Lake(no_spark, "memory"), date(2026, 3, 8), "", tmp_path, Settings())
    made.folder.mkdir()
    return made


def test_a_passed_audit_is_read(night: Night) -> None:
    (night.folder / "audit.json").write_text(VERDICT)
    assert (read_audit(night)["ranked_version"], read_audit(night)["ads_version"]) == (3, 2)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "audit.json is missing, run the audit stage first"),
        (VERDICT.replace("true", "false").replace("[]", f"[{BROKEN}]"), "did not pass: duplicate_posts"),
        (VERDICT.replace("03-08", "03-07"), "refusing to publish 2026-03-08: its audit .2026-03-07. did not pass"),
    ],
)
def test_nothing_is_published_without_a_passed_audit(night: Night, text: str | None, message: str) -> None:
    if text is not None:
        (night.folder / "audit.json").write_text(text)
    with pytest.raises(PublishFailed, match=message):
        read_audit(night)
