"""Settings as text: the effective ones, and ``docs/settings.md``."""

from dataclasses import fields
from itertools import groupby

from contracts.settings import VALUE_PRESETS, Dataset, Settings, value_presets
from contracts.settings.hashes import NOT_OF_A_NIGHT, settings_hash
from contracts.settings.kinds import Kind, kinds_of, toml_of
from contracts.settings.load import KINDS, PLAIN, SECTIONS, Loaded, value_of
from contracts.settings.rules import RULES

_INTRODUCTION = """\
# Settings

One TOML file holds the values that differ from the defaults below:

```toml
value_preset = "seed"

[pool]
size = 50

[value]
share = 4
```

Pass it by `--settings FILE`, or set the variable `FEEDLAKE_SETTINGS` for every command. Change single values by
`--set pool.size=50`, as often as needed. The order is: default, value preset, file, command line; the last one wins.
`spark_jobs/night/run.py`, `models/train.py`, `spark_jobs/erase`, `spark_jobs/simulate`, the canary, the rollback,
`spark_jobs/explain`, the replay, the reader, the collector, the drain, the demo and the loop take both options.
`make demo`, `loop`, `erase`, `prove-erased`, `canary`, `rollback`, `explain`, `replay`, `collector` and `settings` take
`SETTINGS=file`; demo and loop save the settings in effect as `settings.toml` beside their lake. A night of the
scheduler uses the file in its parameter `settings`; the default is the variable `FEEDLAKE_SETTINGS` of Airflow. Give an
absolute path. The data set's own keys are in the `dataset.json` of its landing area
([landing contract](landing.md)).

`make settings SETTINGS=file` prints every effective value with its origin, without Spark. Everything is checked before
any work: unknown sections and keys, types, bounds and contradictions. All problems are reported at once, with file,
key, value and what is allowed.

`settings` in an epoch's manifest, in a gate's verdict and in a checkpoint is a SHA-256 over the settings of a night:
equal values, equal hash. No job of a night reads
{apart}, so the hash leaves them
out. A service logs a hash of what it reads, the ledger of an erasure has one of `[erasure]` and `[publish]`, and a
simulated landing area keeps its options.

Sizes of stored data are not settings: [`contracts/shape.py`](../contracts/shape.py),
[`contracts/epochs.py`](../contracts/epochs.py), [`models/presets/`](../models/presets).

This page is made from [`contracts/settings/`](../contracts/settings) by
`python -m contracts.settings --page > docs/settings.md`; a test fails where it is stale.
"""


def effective(loaded: Loaded) -> str:
    """Every effective value and its origin, as a TOML file; the hash comes first."""
    settings, lines = loaded.settings, [f"# settings of a night: {settings_hash(loaded.settings)}"]
    keys = [*PLAIN, *(f"dataset.{item.name}" for item in fields(Dataset)), *(key for key in KINDS if "." in key)]
    width = max(len(key) for key in keys)
    for section, members in groupby(keys, key=lambda key: key.rpartition(".")[0]):
        lines += ["", f"[{section}]"] if section else [""]
        for key in members:
            value = value_of(settings, key)
            shown = f"{key.rpartition('.')[2]} = {toml_of(value)}" if value is not None else f"# {key} has no value"
            lines.append(f"{shown:{width + 8}} # {loaded.origins[key]}")
    return "\n".join(lines) + "\n"


def page() -> str:
    """``docs/settings.md``."""
    *most, last = (f"`[{name}]`" for name in NOT_OF_A_NIGHT)
    apart = f"{', '.join(most)} and {last}"
    parts = [_INTRODUCTION.format(apart=apart), "\n## Plain keys\n\n", _table(PLAIN, "")]
    for name, cls in SECTIONS.items():
        if cls is not Dataset:
            parts.append(f"\n## `[{name}]`\n\n{_first_sentence(cls)}\n\n{_table(kinds_of(cls), name)}")
    parts.append(f"\n## `dataset.json`\n\n{_first_sentence(Dataset)}\n\n{_table(kinds_of(Dataset), 'dataset')}")
    parts.append(f"\n## Value presets\n\n{_in_markdown(value_presets.__doc__)}\n")
    names = [item.name for item in fields(next(iter(VALUE_PRESETS.values())))]
    rows = [["preset", *(f"`{name}`" for name in names)], ["---"] * (len(names) + 1)]
    rows += [
        [f"`{preset}`", *(f"{getattr(weights, name):g}" for name in names)] for preset, weights in VALUE_PRESETS.items()
    ]
    parts.append(_rows(rows))
    parts.append("\n## What must agree\n\n" + "".join(f"- {rule.text.replace('_', chr(92) + '_')}\n" for rule in RULES))
    return "".join(parts)


def _first_sentence(cls: type) -> str:
    return " ".join(_in_markdown(cls.__doc__).split("\n\n")[0].split())


def _in_markdown(text: str | None) -> str:
    return (text or "").replace("``", "`")


def _table(kinds: dict[str, Kind], section: str) -> str:
    defaults = Settings() if not section else getattr(Settings(), section)
    rows = [["key", "default", "allowed"], ["---"] * 3]
    for name, kind in kinds.items():
        value = getattr(defaults, name)
        rows.append([f"`{name}`", "none" if value is None else f"`{toml_of(value)}`", kind.allowed])
    return _rows(rows)


def _rows(rows: list[list[str]]) -> str:
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)
