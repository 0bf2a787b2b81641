"""Kill -9 of the scoring job mid-way: the table keeps its content, the live epoch is served, a rerun succeeds."""

import time
from pathlib import Path

from spark_jobs.night.lake import checksum
from spark_jobs.night.night import Night
from tests.nights import Poller, Reader, kill, pointer, run_night, submit

TABLE = "gold.scored_candidates"


def data_files(night: Night) -> set[Path]:
    return set(Path(night.lake.path(TABLE)).glob("ds=*/*.parquet"))


def test_killed_scoring(published: Night, feed: Reader, tmp_path: Path) -> None:
    before, version = checksum(published.read(TABLE)), published.lake.version(TABLE)
    epoch, known = pointer(published.redis_url).stable, data_files(published)
    user = published.read("gold.ranked_feeds").selectExpr("min(user_id)").first()
    assert user is not None
    with Poller(feed, user[0]) as poller:
        process = submit(published, "score", log=tmp_path / "score.log")
        while data_files(published) == known:
            assert process.poll() is None, (tmp_path / "score.log").read_text()
            time.sleep(0.002)
        kill(process)
        orphans = len(data_files(published) - known)
        assert published.lake.version(TABLE) == version
        assert checksum(published.read(TABLE)) == before
        run_night(published, ("score", "rerank", "audit", "publish"))
        time.sleep(2)
    print(f"killed with {orphans} uncommitted files on disk; table still at version {version}")
    print(f"rerun: content {checksum(published.read(TABLE))}, epoch {epoch} → {pointer(published.redis_url).stable}")
    print(f"{poller.num_reads} reads, epochs seen {sorted(poller.answers)}, errors {len(poller.errors)}")
    assert checksum(published.read(TABLE)) == before
    assert poller.errors == []
    assert set(poller.answers) == {epoch, epoch + 1}
    assert all(len(contents) == 1 for contents in poller.answers.values())
