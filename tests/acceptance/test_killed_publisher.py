"""Kill -9 of the publisher mid-way: readers see whole epochs only, a rerun publishes and discards the orphan."""

import time
from pathlib import Path

import redis

from spark_jobs.night.night import Night
from tests.nights import Poller, Reader, kill, pointer, run_night, submit


def num_keys(client: redis.Redis, epoch: int) -> int:
    return sum(1 for _ in client.scan_iter(f"*:{epoch}:*", count=5000))


def test_killed_publisher(published: Night, feed: Reader, tmp_path: Path) -> None:
    client = redis.Redis.from_url(published.redis_url)
    epoch = pointer(published.redis_url).stable
    whole = num_keys(client, epoch)
    user = published.read("gold.ranked_feeds").selectExpr("min(user_id)").first()
    assert user is not None
    with Poller(feed, user[0]) as poller:
        process = submit(published, "publish", log=tmp_path / "publish.log")
        while num_keys(client, epoch + 1) == 0:
            assert process.poll() is None, (tmp_path / "publish.log").read_text()
            time.sleep(0.01)
        client.client_pause(60_000, all=False)  # hold it where it stands
        kill(process)
        client.client_unpause()
        partial = num_keys(client, epoch + 1)
        assert 0 < partial < whole
        assert pointer(published.redis_url).stable == epoch
        run_night(published, ("publish",))
        time.sleep(2)
    stable = pointer(published.redis_url).stable
    print(f"killed with {partial} of {whole} keys of epoch {epoch + 1} loaded; epoch {epoch} stayed current")
    print(f"rerun: epoch {stable} of {num_keys(client, stable)} keys; {num_keys(client, epoch + 1)} orphans left")
    print(f"{poller.num_reads} reads, epochs seen {sorted(poller.answers)}, errors {len(poller.errors)}")
    assert stable > epoch
    assert num_keys(client, stable) == whole
    assert stable == epoch + 1 or num_keys(client, epoch + 1) == 0
    assert poller.errors == []
    assert set(poller.answers) == {epoch, stable}
    assert all(len(contents) == 1 for contents in poller.answers.values())
