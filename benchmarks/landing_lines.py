"""``make bench K=landing_lines``: speed of reading landed lines, and seconds of ``validate_landing``.

Lines are the examples of docs/landing.md with new ids: *plain* unchanged, *odd* with an unknown field that is an
object, *refused* with an invalid time. ``value`` is plain lines per second of one core's time in ``line_rules.judge``,
``seconds`` the wall time of ``validate_landing`` on few and on many lines, its start included. Best of three each.
"""

import json
import re
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

import pyarrow as pa

from spark_jobs.ingest.landing_files import LINES_PER_BATCH
from spark_jobs.ingest.line_rules import judge

ROOT = Path(__file__).resolve().parents[1]
DAY = date(2026, 3, 8)
NUM_LINES = 160_000
AREAS = (68, 150_000)
FILES = 8


def plain_lines(num_lines: int) -> list[str]:
    """``num_lines`` lines, with equally many of each event type."""
    examples = re.findall(r"```json\n(.*?)\n```", (ROOT / "docs" / "landing.md").read_text())
    events = [json.loads(example) for example in examples]
    return [json.dumps(events[at % len(events)] | {"event_id": f"e{at}"}) for at in range(num_lines)]


def lines_per_s(lines: list[str]) -> float:
    """Lines per second of this process's CPU time."""
    days = pa.array([DAY] * len(lines))
    batch = pa.record_batch([pa.array(lines), days], names=["raw", "landing_date"])
    best = float("inf")
    for _ in range(3):
        started = time.process_time()
        for start in range(0, len(lines), LINES_PER_BATCH):
            judge(batch.slice(start, LINES_PER_BATCH), late_days=3)
        best = min(best, time.process_time() - started)
    return len(lines) / best


def seconds_to_validate(lines: list[str], landing: Path) -> float:
    """The command's wall time on an area of ``FILES`` files."""
    folder = landing / DAY.isoformat()
    folder.mkdir(parents=True)
    for file in range(FILES):
        (folder / f"events-{file}.jsonl").write_text("\n".join(lines[file::FILES]) + "\n")
    best = float("inf")
    for _ in range(3):
        started = time.monotonic()
        command = [
            sys.executable,
            str(ROOT / "spark_jobs" / "validate" / "validate_landing.py"),
            "--landing",
            str(landing),
        ]
        subprocess.run(command, check=False, capture_output=True)
        best = min(best, time.monotonic() - started)
    return best


def main() -> None:
    """Print a line per kind, then one JSON line."""
    plain = plain_lines(NUM_LINES)
    kinds = {
        "plain": plain,
        "odd": [f'{line[:-1]}, "place": {{"lat": 1.5}}}}' for line in plain[: NUM_LINES // 8]],
        "refused": [line.replace('"event_time": "2026', '"event_time": "1026') for line in plain[: NUM_LINES // 8]],
    }
    speeds = {kind: round(lines_per_s(lines)) for kind, lines in kinds.items()}
    for kind, speed in speeds.items():
        print(f"{kind:8} {speed:10,} lines/s of one core")
    with tempfile.TemporaryDirectory() as folder:
        seconds = {size: round(seconds_to_validate(plain[:size], Path(folder) / str(size)), 2) for size in AREAS}
    for size, taken in seconds.items():
        print(f"validate_landing, {size:9,} lines {taken:8.2f} s")
    print(json.dumps({"metric": "plain_lines_per_s", "value": speeds["plain"], "speeds": speeds, "seconds": seconds}))


if __name__ == "__main__":
    main()
