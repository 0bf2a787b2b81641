"""The collector for one data set: its own Redis, the HTTP service, and the drain into the landing area.

``python -m infra.collector --area .run/data/simulated-2000-8 [--settings FILE]`` starts what does not run yet, and
restarts collector and drain; ``make stop`` ends all of it. Standard library only.
"""

import argparse
from pathlib import Path

from contracts.settings.options import add_options
from infra import services
from infra.services import LAKE, ROOT, RUN


def start_event_redis() -> str:
    """Start the collector's Redis, which answers once what it took is on disk; returns its URL."""
    port = services.ports()["events"]
    folder = RUN / "events"
    folder.mkdir(parents=True, exist_ok=True)
    options = {
        "--port": str(port),
        "--bind": "127.0.0.1",
        "--dir": str(folder),
        "--save": "",
        "--appendonly": "yes",
        "--appendfsync": "always",
        "--maxmemory": "512mb",
        "--maxmemory-policy": "noeviction",
        # Drained entries are personal data that nobody needs: a small threshold removes them from the file soon.
        "--auto-aof-rewrite-min-size": "4mb",
    }
    services.start("events", ["redis-server", *(word for pair in options.items() for word in pair)])
    services.wait_for("the collector's Redis", lambda: services.is_open(port), "events")
    return f"redis://127.0.0.1:{port}"


def start_collector(events: str, area: Path, words: list[str]) -> str:
    """(Re)start the collector and the drain of the data set in ``area``; returns the collector's address."""
    port = services.ports()["collector"]
    url, landing = f"http://127.0.0.1:{port}", str(area / "landing")
    serving = f"redis://127.0.0.1:{services.ports()['redis']}/{services.redis_database(area.name)}"
    env = {"FEEDLAKE_JWT_SECRET_FILE": str(services.secret_file()), "PYTHONPATH": str(ROOT)}
    python = str(LAKE / "python")
    common = ["--redis", events, "--landing", landing, *words]
    for name in ("collector", "drain"):
        services.stop(name)
    command = [python, "-m", "serving.collector", "--port", str(port), "--serving-redis", serving]
    command += [*common, *services.DEMO_AUDIENCE]
    services.start("collector", command, env)
    services.start("drain", [python, "-m", "serving.drain", *common], env)
    services.wait_for("the collector", lambda: services.answers(f"{url}/readyz"), "collector")
    return url


def main() -> None:
    """Start everything and say how to use it."""
    parser = argparse.ArgumentParser(prog="python -m infra.collector", description=__doc__)
    parser.add_argument("--area", type=Path, required=True, help="folder of a data set, which has or gets ``landing``")
    add_options(parser)
    options = parser.parse_args()
    words = ["--settings", str(options.settings)] if options.settings else []
    for change in options.changes:
        words += ["--set", change]
    url = start_collector(start_event_redis(), options.area.resolve(), words)
    print(f"the collector listens on {url}, its schema is at {url}/docs")
    print(f"events are drained to {options.area}/landing; logs are in .run/collector.log and .run/drain.log")
    print("docs/collector.md shows how to send one; make stop ends it")


if __name__ == "__main__":
    main()
