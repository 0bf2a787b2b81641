"""The steps of an erasure, in an order that lets a rerun complete one that was killed anywhere.

1. The search list is written, then the ledger: from here on ingest refuses lines with these ids.
2. Redis: from here on readers show nothing of these people. Then all page records: no page from before an erasure can
   be replayed, since step 4 removes the older versions of the tables.
3. Checkpoints are marked and training states removed: no later night serves or resumes from an earlier one.
4. Every table: rows, then files of older versions, then the log.
5. Files of past runs, whose verdicts quote rows as examples.
6. The ledger records that the erasure is complete.
"""

import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyspark.sql import functions as F

from contracts.epoch_status import LOADING
from contracts.erasure import TRACES, load_key
from contracts.folders import Folder
from contracts.page_records import day_of
from contracts.pipeline import BY_NAME
from contracts.places import Location, artefacts_of
from contracts.settings import Settings
from contracts.settings.hashes import hash_of_read
from models.erasure import mark_before_erasure, remove_states
from spark_jobs.erase import erasures
from spark_jobs.erase.events import erase_events
from spark_jobs.erase.history import forget, settings_of_vacuum
from spark_jobs.erase.keys import erase_keys
from spark_jobs.erase.needles import Needles
from spark_jobs.erase.person import find_person
from spark_jobs.erase.search_list import SearchList
from spark_jobs.erase.tables import erase_rows
from spark_jobs.night.lake import Lake
from spark_jobs.publish.epoch_store import connect
from storage import open_folder

SIDE_BY_SIDE = 2
"""Tables erased at the same time: one works while the other plans or commits."""


class CannotEraseError(Exception):
    """The erasure was refused before it changed anything; the message names the next step."""


@dataclass(frozen=True)
class Request:
    """One deletion request: its id, its users, and the places to erase them from.

    ``runs`` is the folder of past runs, ``events_url`` the collector's Redis, if any; ``records`` are the readers'
    folders of page records.
    """

    request_id: str
    users: Sequence[int]
    search_list: Path
    redis_url: str
    runs: Location | None = None
    events_url: str | None = None
    records: Sequence[Path] = ()


def erase(lake: Lake, request: Request, settings: Settings) -> dict[str, Any]:
    """Erase the users everywhere; returns what was removed, by table and place."""
    key = load_key()
    with closing(connect(request.redis_url, settings.publish)) as client:
        client.ping()
        refuse_beside_publish(lake)
        search_list = plan(lake, request, settings)
        erasures.begin(lake, search_list, key)
        removed: dict[str, Any] = {
            "settings": hash_of_read(settings, "erasure", "publish"),
            "redis": erase_keys(client, search_list.ids, settings),
        }
    removed["records"] = sum(map(remove_records, request.records))
    removed["events"] = {} if request.events_url is None else erase_collected(request.events_url, search_list, settings)
    artefacts = open_folder(artefacts_of(lake.place))
    removed["models"] = mark_before_erasure(artefacts)
    removed["training_states"] = remove_states(artefacts)
    with settings_of_vacuum(lake.spark), ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        names = [name for name in BY_NAME if holds_people(name) and lake.exists(name)]
        counts = pool.map(lambda name: erase_table(lake, name, search_list), names)
        removed["tables"] = dict(zip(names, counts, strict=True))
    removed["files"] = 0 if request.runs is None else scrub_runs(open_folder(request.runs), search_list)
    erasures.finish(lake, search_list, key, removed)
    return removed


def remove_records(folder: Path) -> int:
    """Remove every file of page records in a reader's folder; returns how many."""
    files = [path for path in folder.iterdir() if day_of(path.name) is not None]
    for path in files:
        path.unlink(missing_ok=True)
    return len(files)


def erase_collected(url: str, search_list: SearchList, settings: Settings) -> dict[str, int]:
    """Erase them from the collector's Redis; ingest already refuses events that land later."""
    with closing(connect(url, settings.publish)) as client:
        return erase_events(client, search_list.ids)


def plan(lake: Lake, request: Request, settings: Settings) -> SearchList:
    """What to erase: findings in the tables, and those of an earlier run of this request."""
    search_list = find_person(lake, request.users, request.request_id, settings.erasure)
    if request.search_list.exists():
        search_list = search_list.joined(SearchList.load(request.search_list))
    search_list.save(request.search_list)
    return search_list


def refuse_beside_publish(lake: Lake) -> None:
    """Raise if a publish is running or was killed: it would write keys while they are removed."""
    if not lake.exists("gold.epochs"):
        return
    is_loading = F.col("status") == LOADING
    building = [row[0] for row in lake.read("gold.epochs").where(is_loading).select("epoch").collect()]
    if building:
        raise CannotEraseError(
            f"epoch {building[0]} is being published: wait for that night to end, or where it was killed run its "
            "publish again, then erase"
        )


def holds_people(name: str) -> bool:
    """Whether a table can hold anything of a person."""
    trace = TRACES[name]
    return bool(trace.deleted_by or trace.lists or trace.owners or trace.lines)


def erase_table(lake: Lake, name: str, search_list: SearchList) -> dict[str, int]:
    """Rows, history and log of one table."""
    with lake.writing(name):
        counts = erase_rows(lake, name, search_list.ids)
        log_files = forget(lake, name)
    print(f"{name}: {counts['deleted']:,} rows deleted, {counts['redacted']:,} redacted, {log_files} log files removed")
    return counts


def scrub_runs(runs: Folder, search_list: SearchList) -> int:
    """Replace their ids by 0 and their names by ``erased`` in JSON and HTML files under ``runs``; returns how many.

    Only distinctive ids are replaced: a 12 in a report may be anything.
    """
    needles, changed = Needles(search_list), 0
    for name in runs.files():
        if not name.endswith((".json", ".html")):
            continue
        old = runs.read(name)
        new = re.sub(
            rb"(?<![0-9])[0-9]{7,}(?![0-9])", lambda m: b"0" if int(m[0]) in needles.distinctive else m[0], old
        )
        for phrase in needles.phrases:
            new = new.replace(phrase, b"erased")
        if new != old:
            runs.write(name, new)
            changed += 1
    return changed
