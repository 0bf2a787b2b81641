"""The registry as a page for people: ``docs/features.md``, made by ``python -m contracts.features``."""

from itertools import groupby

from contracts.features import KNOWN_CITIES, TABLES, features_of, schema_hash, width_of
from contracts.features.feature import Entity, Feature

_INTRODUCTION = """\
# Features

Every input of the ranker, made from the registry [`contracts/features/`](../contracts/features) by
`python -m contracts.features > docs/features.md`; a test fails where this page is stale. Schema hash `{hash}`: a
checkpoint trained under another one is refused.

*Named* features are those of the product: {named}. *Encoder extras* are what
the ranker reads besides; with them it has {widths} as inputs.
A feature is one FLOAT column and one input; a feature of size n is an array of n floats and n inputs. A unit such as
`log1p(1/day)` names the transform and the unit before it; `log1p` alone transforms a count.

Rates are smoothed towards the default (`Smoothing` in [`contracts/settings/`](../contracts/settings)), so that
three impressions don't make a rate of 100 %. `FeatureRules` there defines words like *close* and *read*. Logs and
ratios are guarded, and a gate stops the night at a value that is not a number or is out of range.

**As of.** A feature of a day uses only events that happened and were received before the midnight that ends it. A
feature of an impression uses only events that happened before it and were received by then. Of an edited or deleted
post, the version that could be seen counts (`spark_jobs/rules/post_versions.py`): at the impression for an example, at
midnight for the post's own features, at the engagement for what a user engaged with, and the first version for what an
author writes.

**Unknown.** All unknown values of a feature are encoded alike: replacing one by another changes no score. A country or
city is known if at least `FeatureRules.location_users` users of the training rows have it. `gold.locations` lists the
known ones of a night, and the night uses that list for its examples and for the users that it scores. A country is
encoded by how common it is, an unknown one as 0. Of cities, the {cities} with most users are distinguished. A device is
known if it is a phone, tablet or desktop, a connection if the landing contract names it. An unknown city, device or
connection is treated as not logged: the context has the value that is expected of the user, and the user's shares
leave it out. A language that is not listed below is `other`.
[ADR 11](adr/0011-locations-are-known-from-training-rows.md) gives the reasons.

**Calendar.** A ranker uses the weekday only if its training days span two weeks: with one day per weekday, the weekday
cannot be separated from everything else about that day.
"""

_TITLES: dict[Entity, str] = {
    "user": "User",
    "post": "Post",
    "pair": "User and author",
    "context": "Context",
}
_NOTES: dict[Entity, str] = {
    "user": "In `gold.user_features`, computed by `spark_jobs/features/user/user_features.py`.",
    "post": "In `gold.post_features` (`spark_jobs/features/post/post_features.py`) and, as of each impression,\n"
    "in `gold.training_examples`; both call `spark_jobs/rules/post_columns.py`.",
    "pair": "In `gold.affinity_features`, computed by `spark_jobs/features/pair/affinity_features.py`; sparse:\n"
    "pairs who are connected, met, or answered each other. A pair without a row has the defaults.",
    "context": "Computed by `spark_jobs/rules/context_columns.py` for each impression. If no session was logged (a\n"
    "nightly run, a sampled exposure), the user's feature in the last column replaces it, or the day that is served.",
}


def page() -> str:
    """The whole page, in Markdown."""
    sizes = [(entity, [f.part for f in features_of(entity)].count("named")) for entity in _TITLES]
    named = ", ".join(f"{count} of a {entity}" for entity, count in sizes)
    widths = ", ".join(f"{width_of(entity)} of a {entity}" for entity in _TITLES)
    parts = [_INTRODUCTION.format(hash=schema_hash(), named=named, widths=widths, cities=KNOWN_CITIES)]
    for entity, title in _TITLES.items():
        assert entity == "context" or TABLES[entity] in _NOTES[entity], entity
        parts.append(f"\n## {title}\n\n{_NOTES[entity]}\n")
        for part, heading in (("named", "Named"), ("extra", "Encoder extras")):
            chosen = [feature for feature in features_of(entity) if feature.part == part]
            if chosen:
                inputs = sum(feature.size for feature in chosen)
                counts = f"{len(chosen)}" if inputs == len(chosen) else f"{len(chosen)}, {inputs} inputs"
                parts.append(f"\n### {heading} ({counts})\n\n{_table(chosen)}")
    return "".join(parts)


def _table(features: list[Feature]) -> str:
    is_context = features[0].entity == "context"
    columns = ["group", "name", "size", "unit", "default", "meaning", *(["expected"] if is_context else [])]
    lines = [columns, ["---"] * len(columns)]
    for group, members in groupby(features, key=lambda feature: feature.group):
        for at, feature in enumerate(members):
            size, default = str(feature.size), f"{feature.default:.4g}"
            shown = ["" if at else group, f"`{feature.name}`", size, feature.unit, default, feature.doc]
            expected = f"`{feature.expected}`" if feature.expected else "the day that is served"
            lines.append([*shown, *([expected] if is_context else [])])
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
