"""Findings on the counts of a night, in sentences: why it stops or what it lacks, and which key to change."""

from datetime import UTC, date, datetime, timedelta

from contracts.settings import Dataset, TrainingMinimum
from spark_jobs.preflight.counts import Counts

Days = tuple[tuple[date, int], ...]
"""Days with examples, oldest first, each with its positive labels."""

REFUSED = "bronze.quarantine says of refused lines why"


def reasons_to_stop(counts: Counts, ds: date, dataset: Dataset) -> list[str]:
    """Why nobody would get a feed; empty if somebody would."""
    if counts.users == 0:
        return [f"no user is known by the end of {ds}: land `user_upserted` events by then; {REFUSED}"]
    if counts.all_posts == 0:
        return [f"no post is there by the end of {ds}: land `post_created` events by then; {REFUSED}"]
    if counts.posts == 0:
        assert counts.newest_posts is not None, "there are posts"
        midnight = datetime.combine(ds + timedelta(days=1), datetime.min.time(), UTC)
        hours = ((midnight - counts.newest_posts) // timedelta(days=1) + 1) * 24
        window = f"the {dataset.candidate_hours} h before the end of {ds}"
        none = f"the candidate window is empty: none of {counts.all_posts:,} posts was created in {window}"
        return [f"{none}; set candidate_hours to {hours} in dataset.json"]
    if counts.shared == 0:
        none = f"none of the {counts.posts:,} posts of the candidate window can be proposed to anybody"
        return [f"{none}: none is public outside a group, and nobody has a friend, follows a page or is in a group"]
    if counts.readers == 0:
        return ["all posts of the candidate window are by the only known user, and nobody is shown their own posts"]
    return []


def notes(counts: Counts, ds: date, dataset: Dataset) -> list[str]:
    """Notes on missing data that do not stop the night."""
    lines = []
    if counts.landed == 0:
        newest = f"the newest day until then is {counts.newest_landed}" if counts.newest_landed else "nor before"
        lines.append(f"nothing landed on {ds}; {newest}")
    if dataset.has_impressions and counts.impressions == 0 and counts.engagements > 0:
        lines.append(
            f"there are {counts.engagements:,} engagements and no impression in the training window; for a source that "
            "logs no impressions, set has_impressions to false in dataset.json"
        )
    if missing := no_model(counts, ds, dataset):
        lines.append(f"no model will be trained, and the simple score ranks the night: {missing}")
    return lines


def no_model(counts: Counts, ds: date, dataset: Dataset) -> str | None:
    """Why there is too little to train on, and what to set; None if there is enough."""
    days = in_window(counts.examples, ds, dataset.training_days)
    needed = dataset.reserved_days + TrainingMinimum.DAYS
    if len(days) < needed:
        reserved = f"calibration_days {dataset.calibration_days}, holdout_days {dataset.holdout_days}"
        window = f"{len(days)} of the {dataset.training_days} days before {ds} have examples"
        return f"{window}, and {needed} are needed ({reserved}); {remedy(counts.examples, ds, dataset)}"
    if (positives := training_positives(days, dataset.reserved_days)) < TrainingMinimum.POSITIVES:
        has = f"the days that train have {positives} likes, comments, shares, hides and reports"
        return f"{has}, and {TrainingMinimum.POSITIVES} are needed; {remedy(counts.examples, ds, dataset)}"
    return None


def in_window(days: Days, ds: date, training_days: int) -> Days:
    """Those of ``days`` that are in the training window."""
    return tuple(day for day in days if day[0] >= ds - timedelta(days=training_days))


def training_positives(days: Days, reserved: int) -> int:
    """Positive labels of the training days: all days but the last ``reserved``."""
    return sum(labels for _, labels in days[: max(len(days) - reserved, 0)])


def remedy(days: Days, ds: date, dataset: Dataset) -> str:
    """The keys of ``dataset.json``, with values, that would allow a model; or that none would."""
    if since := enough_since(days, dataset.reserved_days):
        return f"set training_days to {(ds - since).days} in dataset.json"
    if since := enough_since(days, 2):
        window = (ds - since).days
        return f"set calibration_days to 1, holdout_days to 1 and training_days to {window} in dataset.json"
    return "no setting would do, as older days have not enough either: later nights will have more"


def enough_since(days: Days, reserved: int) -> date | None:
    """The newest day since which there is enough to train on, without ``reserved`` days; None if there is none."""
    for at in range(len(days) - reserved - TrainingMinimum.DAYS, -1, -1):
        if training_positives(days[at:], reserved) >= TrainingMinimum.POSITIVES:
            return days[at][0]
    return None
