"""Facts of one landing file: refused lines, and the fields of the others that rules on many events need."""

from dataclasses import dataclass, field
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from contracts.lines.strict_json import value_text
from contracts.references import CONTRADICTIONS, ENTITIES, REFERENCES, Contradiction
from spark_jobs.ingest.file_reads import Reading, measure, part_to_read
from spark_jobs.ingest.landing_area import LandingFile
from spark_jobs.ingest.landing_files import read_file
from spark_jobs.ingest.line_rules import judge, without_marks

POSTS = ENTITIES["standing_post"][1]
"""Event types that make a post."""

REFUSED = pa.schema([("line", pa.int64()), ("reason", pa.string()), ("detail", pa.string())])
_LARGEST_ID = 2**63 - 1


def fields_of(event_type: str) -> list[str]:
    """The fields of an event type that the rules on many events read."""
    fields = [name for key, types in ENTITIES.values() if event_type in types for name in [key]]
    for reference in REFERENCES.get(event_type, ()):
        fields += [reference.field, *([reference.only_when[0]] if reference.only_when else [])]
    return list(dict.fromkeys(fields))


_FIELDS = {
    event_type: fields_of(event_type) for event_type in {*REFERENCES, *(t for _, ts in ENTITIES.values() for t in ts)}
}
_ENVELOPE = ("event_id", "event_time", "received_at")
_COMPARED = {name for one in CONTRADICTIONS.values() for name in (one.field, one.other)}
_MORE = tuple(sorted({*_COMPARED, *(name for names in _FIELDS.values() for name in names)} - {"event_time"}))


@dataclass
class FileFacts:
    """Facts of a file.

    ``refused``: lines that break a rule by themselves, schema ``REFUSED``. ``events``: the other lines by event type,
    with ``line``, ``event_id``, ``event_time``, ``received_at``, ``fields_of`` the type and ``contradiction``, the
    detail of one, else null. ``withheld``: posts with a refused line. ``problem`` is the reason why the file is not
    read, or not to its end.
    """

    source: str
    landing_date: date
    num_lines: int = 0
    problem: str | None = None
    refused: pa.Table = field(default_factory=REFUSED.empty_table)
    events: dict[str, pa.Table] = field(default_factory=dict)
    withheld: list[int] = field(default_factory=list)


def read_facts(file: LandingFile, late_days: int) -> FileFacts:
    """Read the whole file, in memory."""
    facts = FileFacts(file.source, file.landing_date)
    try:
        measured = measure(file, Reading())
        facts.problem = measured.problem
        part = part_to_read(file, Reading(), measured.reading)
        batches = [] if part is None else [without_marks(batch) for batch in read_file(part)]
    except OSError as error:
        facts.problem = f"cannot be read: {error.strerror or error}"
        return facts
    refused, events = [], {name: [] for name in _FIELDS}  # type: ignore[var-annotated]
    for lines in batches:
        facts.num_lines += lines.num_rows
        verdict = judge(lines, late_days, _MORE)
        rows = verdict.append_column("line", lines.column("line")).append_column("raw", lines.column("raw"))
        is_refused = rows.column("reason").is_valid()
        broken = rows.filter(is_refused)
        refused.append(broken.select(REFUSED.names))
        facts.withheld += _posts_of(broken)
        kept = rows.filter(pc.invert(is_refused))
        for event_type in pc.unique(kept.column("event_type")).to_pylist():
            events[event_type].append(_facts_of(event_type, kept))
    facts.refused = pa.Table.from_batches(refused, REFUSED)
    facts.events = {name: pa.Table.from_batches(some) for name, some in events.items() if some}
    return facts


def _facts_of(event_type: str, kept: pa.RecordBatch) -> pa.RecordBatch:
    rows = kept.filter(pc.equal(kept.column("event_type"), event_type))
    rule = CONTRADICTIONS.get(event_type)
    details = pa.nulls(rows.num_rows, pa.string()) if rule is None else _contradictions(rule, rows)
    return rows.select(["line", *_ENVELOPE, *_FIELDS[event_type]]).append_column("contradiction", details)


def _contradictions(rule: Contradiction, rows: pa.RecordBatch) -> pa.Array:
    """The details of events that contradict themselves; null for the others."""
    one, other = rows.column(rule.field), rows.column(rule.other)
    holds = {"equal to": pc.equal, "before": pc.less, "after": pc.greater}[rule.relation](one, other)
    details: list[str | None] = [None] * rows.num_rows
    for at in np.flatnonzero(np.asarray(pc.fill_null(holds, fill_value=False))):
        line = rows.column("raw")[int(at)].as_buffer().to_pybytes()
        details[at] = f"{rule.field}={value_text(line, rule.field)}"
    return pa.array(details, pa.string())


def _posts_of(broken: pa.RecordBatch) -> list[int]:
    """The posts of refused lines, as far as they can be read."""
    lines = broken.filter(pc.is_in(broken.column("event_type"), pa.array(POSTS))).column("raw")
    texts = (value_text(line, "post_id").strip('" ') for line in lines.cast(pa.binary()).to_pylist())
    posts = (int(text) for text in texts if text.removeprefix("-").isdecimal() and len(text) <= len(str(-_LARGEST_ID)))
    return [post for post in posts if -_LARGEST_ID - 1 <= post <= _LARGEST_ID]
