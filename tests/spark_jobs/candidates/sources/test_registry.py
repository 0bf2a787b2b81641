from contracts.candidate_sources import CANDIDATE_SOURCES
from contracts.epochs import SOURCES
from contracts.settings import CandidateLimits
from spark_jobs.candidates.sources import PROPOSERS, limits_by_source


def test_every_source_has_a_job_a_limit_and_a_type_that_readers_know() -> None:
    names = [source.name for source in CANDIDATE_SOURCES]
    assert sorted(PROPOSERS) == sorted(limits_by_source(CandidateLimits())) == sorted(set(names))
    assert {source.source_type for source in CANDIDATE_SOURCES} <= set(SOURCES)
    assert [source.name for source in CANDIDATE_SOURCES if not source.is_personal] == ["popular"]
