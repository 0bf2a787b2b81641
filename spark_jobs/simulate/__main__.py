"""Simulate a landing area: ``python -m spark_jobs.simulate --landing DIR``, or by spark-submit with this file."""

import argparse
import sys
from datetime import date
from pathlib import Path

if __package__ in {None, ""}:
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from spark_jobs.session import open_session
from spark_jobs.simulate import simulate


def main() -> None:
    """Read the command line, simulate, print the number of lines of each kind."""
    parser = argparse.ArgumentParser(prog="spark_jobs.simulate", description=__doc__)
    parser.add_argument("--users", type=int, default=2000, help="users of the network, at least 100 (default: 2000)")
    parser.add_argument("--days", type=int, default=8, help="days of logs (default: 8)")
    parser.add_argument("--seed", type=int, default=20, help="same seed, same lines (default: 20)")
    parser.add_argument(
        "--end-date", type=date.fromisoformat, default=date(2026, 3, 8), help="last day (default: 2026-03-08)"
    )
    parser.add_argument("--drift-date", type=date.fromisoformat, help="day from which tastes and devices are others")
    parser.add_argument("--landing", required=True, help="folder to write; an earlier area there is replaced")
    options = parser.parse_args()
    spark = open_session("simulate")
    try:
        world = (options.users, options.days, options.seed, options.end_date)
        counts = simulate(spark, *world, options.landing, options.drift_date)
    except ValueError as error:
        parser.error(str(error))
    finally:
        spark.stop()
    print(*(f"{kind}: {count}" for kind, count in counts.items()), sep="\n")


if __name__ == "__main__":
    main()
