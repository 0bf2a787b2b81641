"""Count the night's data before the slow stages: writes ``<runs>/<ds>/preflight.json``.

It runs after ``clean``, as soon as the counts are known. A night that cannot give anybody a feed stops here. A night
with too little to train on continues with a note. Each sentence names the key of ``dataset.json`` to change and a value
that would do, if there is one.
"""

from dataclasses import replace
from typing import Any

from contracts.settings import Dataset
from spark_jobs.night.night import Night
from spark_jobs.preflight.counts import count, read_logs
from spark_jobs.preflight.findings import in_window, no_model, notes, reasons_to_stop, training_positives


class NightRefused(Exception):  # noqa: N818 - it is a verdict on the data, not a malfunction
    """The night cannot give anybody a feed."""


def main(night: Night) -> None:
    """Count, write ``preflight.json``, print the notes; raises ``NightRefused`` if nobody would get a feed."""
    counts, dataset = count(night), night.settings.dataset
    if no_model(counts, night.ds, dataset):
        # Older days matter only now; reading the whole log in every night would cost too much.
        counts = replace(counts, examples=read_logs(night, None).examples(has_impressions=dataset.has_impressions))
    stopping = reasons_to_stop(counts, night.ds, dataset)
    noted = [] if stopping else notes(counts, night.ds, dataset)  # other gaps do not matter then
    days = in_window(counts.examples, night.ds, dataset.training_days)
    report = {
        "ds": night.ds.isoformat(),
        "users": counts.users,
        "posts_in_window": counts.posts,
        "days_with_examples": len(days),
        "positives": training_positives(days, dataset.reserved_days),
        "landed": counts.landed,
        "stops": stopping,
        "notes": noted,
    }
    night.files.preflight.write(report)
    print(describe(report, dataset))
    for sentence in noted:
        print(f"  note: {sentence}")
    if stopping:
        raise NightRefused(f"the night of {night.ds} stops at its start: {'; '.join(stopping)}")


def describe(report: dict[str, Any], dataset: Dataset) -> str:
    """The counts in one line."""
    return (
        f"preflight: {report['users']:,} users, {report['posts_in_window']:,} posts in {dataset.candidate_hours} h, "
        f"{report['landed']:,} events of the day, examples on {report['days_with_examples']} of "
        f"{dataset.training_days} days with {report['positives']:,} positives to train on"
    )
