"""Files that the drain writes to the landing area: named by their content, complete as soon as they appear."""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

ASIDE = "_collected_aside"
"""Folder of entries that are no events; ingest does not read what begins with ``_``."""


def write_lines(folder: Path, first_id: str, last_id: str, lines: Sequence[bytes]) -> Path:
    """Write lines as one file of ``folder`` that is on disk when this returns; raises ``OSError``.

    The name tells the first and last entry and the bytes, so the same lines are the same file: one that is there stays.
    Until it is whole its name begins with ``.``, which ingest passes over.
    """
    content = b"".join(line + b"\n" for line in lines)
    name = f"collected-{first_id}_{last_id}-{hashlib.sha256(content).hexdigest()[:16]}.jsonl"
    path = folder / name
    if path.exists():
        sync_folder(folder)
        return path
    folder.mkdir(parents=True, exist_ok=True)
    beside = folder / f".{name}"
    try:
        with beside.open("wb") as opened:
            opened.write(content)
            opened.flush()
            os.fsync(opened.fileno())
        beside.rename(path)
    except OSError:
        beside.unlink(missing_ok=True)
        raise
    sync_folder(folder)
    sync_folder(folder.parent)
    return path


def remove_leftovers(landing: Path) -> None:
    """Delete files that a killed drain did not finish: their entries are in the stream."""
    for beside in landing.glob("*/.collected-*.jsonl"):
        beside.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Bring names in a folder to disk."""
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
