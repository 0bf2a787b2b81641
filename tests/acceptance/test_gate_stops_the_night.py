"""One expectation broken by the input: the night stops before publish and the old epoch is still served.

A day of which every line is refused: each bad line by itself is set aside, too many of them stop the night.
"""

import json
import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from pyspark.sql import functions as F

from spark_jobs.night.lake import Lake
from spark_jobs.night.night import Night
from tests.nights import NightStopped, Reader, pointer, run_night

LONGEST_TEXT = 63_206


def test_gate_stops_the_night(published: Night, feed: Reader, tmp_path: Path) -> None:
    lake = shutil.copytree(published.lake.root, tmp_path / "lake")
    landing = shutil.copytree(published.landing, tmp_path / "landing")
    tomorrow = published.ds + timedelta(days=1)
    (landing / tomorrow.isoformat()).mkdir()
    author = published.read("silver.users").selectExpr("min(user_id)").first()
    assert author is not None
    post = {
        "event_id": "too-long",
        "event_type": "post_created",
        "event_time": f"{tomorrow}T09:00:00Z",
        "received_at": f"{tomorrow}T09:00:01Z",
        "post_id": 2**60 - 1,
        "author_id": author[0],
        "source_type": "friend",
        "source_id": author[0],
        "content_type": "status",
        "text": "x" * (LONGEST_TEXT + 1),
        "privacy": "public",
        "created_at": f"{tomorrow}T09:00:00Z",
    }
    (landing / tomorrow.isoformat() / "posts.jsonl").write_text(json.dumps(post) + "\n")
    before = pointer(published.redis_url)
    night = replace(published, lake=Lake(published.spark, str(lake)), landing=str(landing), ds=tomorrow)
    with pytest.raises(NightStopped) as stopped:
        run_night(replace(night, runs=tmp_path / "runs"))
    message = str(stopped.value)
    print(message[:600])
    print(f"epoch {before.stable} is still served: {feed.feed(author[0]).json()['metadata']['served_from']}")
    assert "critical: bronze.events refused_share_of_the_day: 1 rows break it" in message
    line = f"'source': '{tomorrow}/posts.jsonl', 'line': 1, 'reason': 'value_out_of_range'"
    assert f"{line}, 'num_refused': 1, 'num_accepted': 0" in message
    reasons = night.read("bronze.quarantine").where(F.col("landing_date") == F.lit(tomorrow)).select("reason")
    assert [row.reason for row in reasons.collect()] == ["value_out_of_range"]
    assert not (tmp_path / "runs" / tomorrow.isoformat() / "stages" / "clean.json").exists()
    assert pointer(published.redis_url) == before
    assert feed.feed(author[0]).json()["metadata"]["epoch"] == before.stable
