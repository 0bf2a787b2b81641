"""``make bench K=rerank``: cost of each rule of re-ranking in value and in time, on one night.

The candidates come from the night of ``make demo``, or from another ``--lake`` and ``--day``, as the job reads them;
pools are then filled in this process, under each rule alone and together. Values are means of the value score over the
first 10, the first 16 and all places, against the order by value alone, of three posts per author. ``value`` is users
per second of CPU of the default rules, exploration included.
"""

import argparse
import json
import time
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np

from contracts.settings import RerankRules
from contracts.settings.reranking import RERANK_RULES
from infra.services import ROOT
from spark_jobs.night.lake import Lake
from spark_jobs.night.night import Night, load_settings
from spark_jobs.night.session import open_session
from spark_jobs.rerank.pools import Places, Plan, fill_pools
from spark_jobs.rerank.ranked_feeds import plan_of, rankable
from spark_jobs.rerank.slates import Candidates
from spark_jobs.rerank.worker import candidates_of

DEMO = ROOT / ".run/data/simulated-2000-8/lake"
DEPTHS = (10, 16, 10_000)


def with_rules(plan: Plan, order: tuple[str, ...], *, explores: bool) -> Plan:
    """The plan with other rules in force, and with its exploration or none."""
    exploration = plan.exploration if explores else replace(plan.exploration, every=0)
    return replace(plan, rerank=replace(plan.rerank, order=order), exploration=exploration)


def measured(candidates: Candidates, plan: Plan) -> tuple[Places, float]:
    """The pools and the seconds of CPU that they took."""
    started = time.process_time()
    places = fill_pools(candidates, plan)
    return places, time.process_time() - started


def values_of(candidates: Candidates, places: Places) -> list[float]:
    """Mean value of the places down to each of ``DEPTHS``."""
    return [float(candidates.value[places.row[places.rank <= depth]].mean()) for depth in DEPTHS]


def read(lake: str, ds: date) -> tuple[Candidates, Plan]:
    """The night's candidates with the columns that all rules need, and its plan by default settings."""
    night = Night(
        Lake(open_session("benchmark of rerank"), lake), ds, "", Path(lake).parent / "runs", load_settings(lake)
    )
    plan = plan_of(night)
    everything = replace(plan, rerank=replace(plan.rerank, order=RERANK_RULES))
    batches = rankable(night, everything).toArrow().combine_chunks().to_batches()
    return candidates_of(batches[0]), plan


def main() -> None:
    """Print a line per set of rules, one JSON line last."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lake", default=str(DEMO), help="a lake whose night is scored (default: %(default)s)")
    parser.add_argument(
        "--day", default=date(2026, 3, 8), type=date.fromisoformat, help="the night (default: %(default)s)"
    )
    options = parser.parse_args()
    candidates, plan = read(options.lake, options.day)
    num_users = len(np.unique(candidates.user))
    default = RerankRules().order
    by_value = values_of(candidates, fill_pools(candidates, with_rules(plan, (), explores=False)))
    little_known = candidates.is_little_known.mean()
    print(f"{num_users:,} users, {len(candidates.user):,} candidates; {little_known:.0%} little known")
    cases: dict[str, tuple[tuple[str, ...], bool]] = {name: ((name,), False) for name in RERANK_RULES}
    cases |= {"default": (default, False), "default, exploring": (default, True)}
    for name, (order, explores) in cases.items():
        places, seconds = measured(candidates, with_rules(plan, order, explores=explores))
        costs = [value / best - 1 for value, best in zip(values_of(candidates, places), by_value, strict=True)]
        broken = float((places.broken > 0).mean())
        print(
            f"{name:20} {num_users / seconds:7,.0f} users/s  value of 10, 16, all: "
            + " ".join(f"{cost:+7.2%}" for cost in costs)
            + f"  broken {broken:6.2%}  explored {places.is_exploration.mean():6.2%}"
        )
    print(json.dumps({"metric": "rerank_users_per_s", "value": round(num_users / seconds, 1), "users": num_users}))


if __name__ == "__main__":
    main()
