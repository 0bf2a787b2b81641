"""Page records in a folder: those of one user and epoch."""

from collections.abc import Iterator
from pathlib import Path

from contracts.page_records import PageRecord, day_of
from replay.differences import CannotReplayError


def find_records(folder: Path, user_id: int, epoch: int, at: str = "") -> list[PageRecord]:
    """The user's pages of the epoch whose instant begins with ``at``, oldest first.

    Raises ``CannotReplayError`` if there is none.
    """
    if not folder.is_dir():
        raise CannotReplayError("record", f"there is no folder {folder}: give the one that readers have as --records")
    theirs = [record for record in read_records(folder) if record.user_id == user_id]
    found = sorted((record for record in theirs if record.epoch == epoch), key=lambda record: record.at)
    if not found:
        other = ", ".join(str(other) for other in sorted({record.epoch for record in theirs}))
        why = (
            f"there are pages of epoch {other}: name one of these"
            if theirs
            else "the user is not in the sample (reader.replay_share), was not served, or the record's time is over "
            "(reader.replay_days) or ended by an erasure"
        )
        raise CannotReplayError("record", f"no page of user {user_id} in epoch {epoch} is recorded in {folder}; {why}")
    chosen = [record for record in found if record.at.startswith(at)]
    if not chosen:
        times = ", ".join(record.at for record in found)
        raise CannotReplayError("record", f"no page was served at {at}; user {user_id} had pages at {times}")
    return chosen


def read_records(folder: Path) -> Iterator[PageRecord]:
    """Every record in the folder. Lines cut off by a full disk or a killed reader are passed over."""
    for path in sorted(folder.iterdir()):
        if day_of(path.name) is None:
            continue
        for line in path.read_bytes().splitlines():
            try:
                yield PageRecord.loads(line)
            except ValueError:
                continue
