"""A hash of settings covers what is read, and no more."""

import pytest

from contracts.settings import Settings
from contracts.settings.hashes import NOT_OF_A_NIGHT, hash_of_read
from contracts.settings.load import SECTIONS, load
from serving.collector import __main__ as collector
from serving.reader import __main__ as reader
from tests.contracts.settings.setting_reads import ROOT, queries, settings_read

NO_JOB_OF_A_NIGHT = ("simulate", "adapt", "erase", "explain", "fresh", "validate")
"""Folders of ``spark_jobs/``."""


def code_of(*folders: str) -> list[str]:
    return [path.read_text() for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]


def sections_of(keys: set[str]) -> set[str]:
    return {key.partition(".")[0] for key in keys if "." in key}


def test_the_hash_of_a_night_leaves_out_the_sections_that_no_job_of_it_reads() -> None:
    jobs = [path.name for path in sorted((ROOT / "spark_jobs").iterdir()) if path.name not in NO_JOB_OF_A_NIGHT]
    code = code_of("models", "analysis", *(f"spark_jobs/{name}" for name in jobs))
    read = settings_read([*code, (ROOT / "contracts" / "value.py").read_text()], queries())
    assert set(SECTIONS) - sections_of(read) == set(NOT_OF_A_NIGHT)


@pytest.mark.parametrize(
    ("named", "folders"),
    [
        (reader.READ, ("serving/reader", "serving/http")),
        (reader.READ_IN_DEMO_MODE, ("serving/reader", "serving/page", "serving/http")),
        (collector.READ, ("serving/collector", "serving/http")),
        (("drain",), ("serving/drain",)),
        (("erasure", "publish"), ("spark_jobs/erase",)),
    ],
)
def test_a_service_names_all_that_it_reads(named: tuple[str, ...], folders: tuple[str, ...]) -> None:
    read = settings_read(code_of(*folders))
    assert {key for key in read if key not in named and key.partition(".")[0] not in named} == set()
    assert {key for key in named if "." in key} <= read


def test_a_hash_moves_with_what_is_read_and_with_nothing_else() -> None:
    def hash_with(*words: str) -> str:
        return hash_of_read(load(None, None, words).settings, *collector.READ)

    plain = hash_of_read(Settings(), *collector.READ)
    assert hash_with() == plain == hash_with("pool.size=50", "reader.refresh_s=2", "publish.timeout_s=3")
    for word in ("collector.batch_events=7", "reader.token_audience=x", "publish.key_ttl_s=99999"):
        assert hash_with(word) != plain
