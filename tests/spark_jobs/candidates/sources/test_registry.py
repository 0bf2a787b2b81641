from pyspark.sql import SparkSession

from contracts.candidate_sources import CANDIDATE_SOURCES
from contracts.epochs import SOURCES
from contracts.settings import CandidateLimits
from spark_jobs.candidates.sources import PROPOSERS, limits_by_source
from spark_jobs.night.gate.checks import ask_duckdb, define_functions


def test_every_source_has_a_job_a_limit_and_a_type_that_readers_know() -> None:
    names = [source.name for source in CANDIDATE_SOURCES]
    assert sorted(PROPOSERS) == sorted(limits_by_source(CandidateLimits())) == sorted(set(names))
    assert {source.source_type for source in CANDIDATE_SOURCES} <= set(SOURCES)
    assert [source.name for source in CANDIDATE_SOURCES if not source.is_personal] == ["popular"]


def test_a_gate_knows_the_type_of_every_source_in_both_engines(spark: SparkSession) -> None:
    define_functions(spark)
    known = {source.name: source.source_type for source in CANDIDATE_SOURCES}
    for name, kind in {**known, "suggested": "unknown", "": "unknown"}.items():
        query = f"SELECT 1 AS broken WHERE type_of_source('{name}') <> '{kind}'"
        assert ask_duckdb({}, query) == (0, [])
        assert spark.sql(query).isEmpty()
        assert ask_duckdb({}, query.replace("<>", "="))[0] == 1
