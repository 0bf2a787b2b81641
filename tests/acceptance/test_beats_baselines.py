"""The ranker beats chronological and popularity on NDCG@10 on the held-out day, interval clear of zero."""

import json

from spark_jobs.night.night import Night


def test_beats_baselines(published: Night) -> None:
    metrics = json.loads((published.folder / "metrics.json").read_text())
    print(f"held-out day {', '.join(metrics['heldout_days'])}, {metrics['num_users']} users, NDCG@10")
    for name, value in metrics["metrics"]["ndcg@10"].items():
        print(f"  {name:15} {value['mean']:.4f}  [{value['low']:.4f}, {value['high']:.4f}]")
    differences = metrics["differences"]["ndcg@10"]
    for name, value in differences.items():
        print(f"  {name:27} {value['mean']:+.4f}  [{value['low']:+.4f}, {value['high']:+.4f}]")
    assert set(differences) == {"ranker-chronological", "ranker-popularity"}
    assert all(value["low"] > 0 for value in differences.values())
