"""``make faults``: break publisher, Redis and drain on purpose, round after round, while readers are polled.

Exit status 0: every rule held. 1: some did not, and the first ones are told; the logs stay.
"""

import argparse
import json
import os
import shutil
import tempfile
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from random import Random

from tests.faults.rounds.events import Events
from tests.faults.rounds.schedule import CYCLE, FAULTS, fault_of
from tests.faults.rounds.steps import WHENS
from tests.faults.rounds.tally import BUDGET_MS, OfFault, Tally
from tests.faults.rounds.world import World
from tests.nights import ROOT

ROUNDS_PER_WORLD = 100
SHOWN = 20
_TAIL_S = 0.1


def run_rounds(numbers: Sequence[int], seed: int, folder: Path, events: Events, tally: Tally) -> None:
    """Run the rounds of these numbers, in worlds of at most ``ROUNDS_PER_WORLD`` rounds."""
    waiting, num_worlds = deque(numbers), 0
    while waiting:
        num_worlds += 1
        place = folder / f"world-{num_worlds}"
        with World(place, seed, events) as world:
            tally.num_steps = len(world.steps)
            for _ in range(min(ROUNDS_PER_WORLD, len(waiting))):
                if not run_round(world, waiting.popleft(), seed, tally):
                    break  # the world is in an unknown state
                if tally.rounds % len(CYCLE) == 0:
                    print(tally.progress(), flush=True)
        if not tally.broken:
            shutil.rmtree(place)


def run_round(world: World, number: int, seed: int, tally: Tally) -> bool:
    """Run one round; false if it could not go on."""
    name, turn = fault_of(number)
    random, what, is_done = Random(f"{seed}/{number}"), "it failed", False
    world.broken, world.latencies_ms = [], []
    try:
        world.suppressing.add(random)
        what = FAULTS[name](world, random, turn)
        world.heal()
        time.sleep(_TAIL_S)
        world.judge()
        is_done = True
    except Exception as error:  # noqa: BLE001 - whatever it is, the other rounds go on in another world
        world.violate(f"the round cannot go on: {type(error).__name__}: {error}")
    tally.add(number, name, what, world.latencies_ms, world.broken)
    for sentence in world.broken[:3]:
        print(f"round {number}, {name} ({what}): {sentence}", flush=True)
    return is_done


def figures(tally: Tally, seed: int, events: Events) -> str:
    """The JSON line that comes last."""
    killed = tally.by_fault.get("killed publisher", OfFault())
    visited = [what for what in killed.happened if what.endswith(WHENS)]
    return json.dumps(
        {
            "metric": "faults_broken",
            "value": len(tally.broken),
            "rounds": tally.rounds,
            "seed": seed,
            "answers": tally.every.answers,
            "p99_ms": tally.every.p99_ms,
            "budget_ms": BUDGET_MS,
            "seconds": round(time.monotonic() - tally.began),
            "by_fault": {
                name: {"rounds": found.rounds, "answers": found.answers, "p99_ms": found.p99_ms, "broken": found.broken}
                for name, found in tally.by_fault.items()
            },
            "kill_points": {"visited": len(visited), "of": tally.num_steps * len(WHENS)},
            "events": len(events.accepted),
            "refused_by_collector": events.num_refused,
        }
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the rounds and print what came of them; returns the exit status."""
    first, *_ = str(__doc__).splitlines()
    parser = argparse.ArgumentParser(prog="python -m tests.faults.rounds", description=first)
    parser.add_argument("--rounds", type=int, default=len(CYCLE), help="how many (default %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="what the rounds are drawn from (default %(default)s)")
    parser.add_argument("--round", type=int, help="run this one only")
    parser.add_argument("--no-bronze", action="store_true", help="do not ingest the landed events at the end")
    options = parser.parse_args(arguments)
    numbers = range(1, options.rounds + 1) if options.round is None else [options.round]
    os.chdir(ROOT)
    folder = Path(tempfile.mkdtemp(prefix="faults-"))
    tally = Tally(len(numbers))
    with Events(folder / "events") as events:
        run_rounds(numbers, options.seed, folder, events, tally)
        if events.accepted and not options.no_bronze:
            tally.broken += [f"bronze: {sentence}" for sentence in events.bronze_problems()]
    tally.judge_latency()
    for name, found in tally.by_fault.items():
        print(f"{name}: {', '.join(f'{what} {count}' for what, count in found.happened.most_common(12))}")
    print(tally.table())
    for sentence in tally.broken[:SHOWN]:
        print(f"broken: {sentence}")
    print(figures(tally, options.seed, events))
    if tally.broken:
        print(f"{len(tally.broken)} rules were broken; logs are in {folder}")
        return 1
    shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
