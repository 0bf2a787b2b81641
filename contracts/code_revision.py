"""The revision of the code that a checkpoint and a manifest name."""

import subprocess
from pathlib import Path


def code_revision() -> str:
    """Commit of this working tree, or ``unknown`` outside one."""
    folder = Path(__file__).resolve().parent
    command = ["git", "-C", str(folder), "rev-parse", "--verify", "--quiet", "HEAD"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
