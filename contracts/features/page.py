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
A feature is one column of type FLOAT, and one input; of a size above 1 an array of that many, and as many inputs. A
unit such as `log1p(1/day)` tells the transform and what it is of; `log1p` alone is of a count.

Rates are smoothed towards the default (`Smoothing` in [`contracts/settings/`](../contracts/settings)), so that
three impressions don't make a rate of 100 %; words like *close* or *read* are defined by `FeatureRules` there. Logs and
ratios are guarded, and a gate stops the night at a value that is no number or out of range.

**As of.** A feature of a day uses only events that happened and were received before the midnight that ends it; one of
an impression only what happened before it and was received by then. A post that is edited or deleted counts as it
could be seen (`spark_jobs/rules/post_versions.py`): in an example at the impression, in its own features at midnight,
in what a user engaged with at the engagement, in what an author writes when it was first seen.

**Unknown.** A value that a model cannot know has one place, whatever it is: swapping one for another changes no score.
A country or city is known where `FeatureRules.location_users` users of the training rows have it; `gold.locations`
lists what a night knows, and the night reads both its examples and the users it scores by that list. A country is a
number that means something, how common it is, and an unknown one is 0; of cities the {cities} with most users are told
apart. A device is known if it is a phone, tablet or desktop, a connection if the landing contract names it. Of an
unknown city, device or connection the context tells what is expected of the user, as if nothing had been logged, and
the user's shares leave it out. A language that is not listed below is `other`.
[ADR 11](adr/0011-locations-are-known-from-training-rows.md) says why.

**Calendar.** A ranker reads a weekday where its training days span two weeks: a weekday seen once cannot be told from
the rest of its day.
"""

_TITLES: dict[Entity, str] = {
    "user": "User",
    "post": "Post",
    "pair": "User and author",
    "context": "Context",
}
_NOTES: dict[Entity, str] = {
    "user": "Lies in `gold.user_features`, computed by `spark_jobs/features/user/user_features.py`.",
    "post": "Lies in `gold.post_features` (`spark_jobs/features/post/post_features.py`) and, as of each impression,\n"
    "in `gold.training_examples`; both call `spark_jobs/rules/post_columns.py`.",
    "pair": "Lies in `gold.affinity_features`, computed by `spark_jobs/features/pair/affinity_features.py`; sparse:\n"
    "pairs who are connected, met, or answered each other. A pair without a row has the defaults.",
    "context": "Computed by `spark_jobs/rules/context_columns.py` for each impression. Where no session was logged (a\n"
    "nightly run, a sampled exposure) the user's feature in the last column stands for it, or the day that is served.",
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
                told = f"{len(chosen)}" if inputs == len(chosen) else f"{len(chosen)}, {inputs} inputs"
                parts.append(f"\n### {heading} ({told})\n\n{_table(chosen)}")
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
