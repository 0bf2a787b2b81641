"""A cycle of the rounds of ``make faults``: every fault at least once, and no rule is broken.

``FEEDLAKE_ROUNDS`` says how many rounds.
"""

import json
import os
import subprocess
import sys

import pytest

from tests.faults.rounds.schedule import CYCLE, FAULTS
from tests.nights import ROOT

ROUNDS = int(os.environ.get("FEEDLAKE_ROUNDS", str(len(CYCLE))))


@pytest.mark.slow
def test_rounds_of_faults_break_no_rule() -> None:
    command = [sys.executable, "-m", "tests.faults.rounds", "--rounds", str(ROUNDS), "--seed", "20"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
    figures = json.loads(done.stdout.splitlines()[-1])
    assert (figures["rounds"], figures["value"]) == (ROUNDS, 0)
    assert set(figures["by_fault"]) == set(FAULTS)
    assert all(found["answers"] > 0 for found in figures["by_fault"].values())
    assert figures["events"] > 0
