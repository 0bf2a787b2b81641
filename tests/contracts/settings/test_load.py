"""Settings from defaults, data set, file and command line; all problems are reported at once."""

from dataclasses import fields
from pathlib import Path
from typing import Any

import hypothesis
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.epochs import MAX_POOL_BYTES, POOL_DTYPES, pack_pool
from contracts.settings import VALUE_PRESETS, Settings
from contracts.settings.hashes import NOT_OF_A_NIGHT, settings_hash
from contracts.settings.kinds import Bounds, Kind, OneOf, toml_of
from contracts.settings.load import KINDS, MAX_BYTES, SECTIONS, load, value_of
from contracts.settings.options import toml_file, words_of
from contracts.settings.problems import SettingsError
from contracts.settings.rules import RULES


def file_of(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "night.toml"
    path.write_text(text)
    return path


def problems_of(file: Path | None = None, *changes: str, landing: Path | None = None) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as caught:
        load(None if landing is None else str(landing), file, changes)
    return caught.value.problems


def test_without_anything_everything_is_a_default() -> None:
    loaded = load()
    assert loaded.settings == Settings()
    assert set(loaded.origins.values()) == {"default"}


def test_the_command_line_goes_before_the_file_and_the_file_before_the_preset(tmp_path: Path) -> None:
    (tmp_path / "dataset.json").write_text('{"training_days": 5}')
    file = file_of(
        tmp_path, 'value_preset = "seed"\nseed = 7\n[pool]\nsize = 50\nmin_topic_interest = 1\n[value]\nlike = 2'
    )
    loaded = load(str(tmp_path), file, ["pool.size=40", "seed=8", "seed=9"])
    settings, origins = loaded.settings, loaded.origins
    assert (settings.pool.size, origins["pool.size"]) == (40, "--set")
    assert (settings.seed, origins["seed"]) == (9, "--set")
    assert (settings.value.like, origins["value.like"]) == (2.0, str(file))
    assert (settings.value.age_decay_per_h, origins["value.age_decay_per_h"]) == (0.05, "preset seed")
    assert (settings.dataset.training_days, origins["dataset.training_days"]) == (5, str(tmp_path / "dataset.json"))
    assert type(settings.pool.min_topic_interest) is float
    assert origins["candidates.total"] == "default"
    assert set(origins) == {*KINDS, *(f"dataset.{item.name}" for item in fields(SECTIONS["dataset"]))}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[pol]\nsize = 5", "unknown section [pol]; did you mean 'pool'?"),
        ("[pool]\nsise = 5", "unknown key 'pool.sise' = 5; did you mean 'pool.size'?"),
        ("[pool]\ntotal = 5", "unknown key 'pool.total' = 5; did you mean 'candidates.total'?"),
        ("sed = 5", "unknown key 'sed' = 5; did you mean 'seed'?"),
        ('"pool.size" = 5', "unknown key 'pool.size' = 5; did you mean 'pool.size'?"),
        ("[labels]\nzzz = 5", "unknown key 'labels.zzz' = 5; known are labels.author_strength, "),
        ("pool = 5", "pool = 5: allowed is a section, [pool] with its keys below"),
        ("[[pool]]\nsize = 5", "allowed is a section, [pool] with its keys below"),
        ('[pool]\nsize = "5"', 'pool.size = "5": allowed is a whole number from 1 to 1,700'),
        ("[pool]\nsize = 5.0", "pool.size = 5.0: allowed is a whole number from 1 to 1,700"),
        ("[pool]\nsize = true", "pool.size = true: allowed is a whole number from 1 to 1,700"),
        ("[pool]\nsize = {a = 1}", "pool.size = {'a': 1}: allowed is a whole number"),
        ("[value]\nlike = true", "value.like = true: allowed is a number from 0 to 1,000,000"),
        ("[value]\nlike = nan", "value.like = nan: allowed is a number from 0 to 1,000,000"),
        ("[value]\nlike = inf", "value.like = inf: allowed is a number from 0 to 1,000,000"),
        ("[value]\nhide = 3", "value.hide = 3: allowed is a number from -1,000,000 to 0"),
        (f"[value]\nlike = 1{'0' * 400}", "allowed is a number from 0 to 1,000,000"),
        (f"[value]\nlike = 0x1{'0' * 9000}", "value.like = a number of thousands of digits: allowed is a number"),
        ("[labels]\nnsfw_share = 1", "labels.nsfw_share = 1: allowed is a number above 0 and below 1"),
        ("[candidates]\nseen_days = -1", "candidates.seen_days = -1: allowed is a whole number from 0 to 3,650"),
        ('value_preset = "sead"', 'value_preset = "sead": allowed is one of default, seed, '),
        ("[propensities]\nsignals = []", "propensities.signals = []: allowed is a list of one or more of like, "),
        ('[propensities]\nsignals = ["like", "like"]', "allowed is a list of one or more of like, "),
        ('[propensities]\nsignals = ["like", 3]', "allowed is a list of one or more of like, "),
        ('[simulation]\nend_date = "2026-03-08"', "allowed is a date such as 2026-03-08"),
        ("[simulation]\nend_date = 2026-03-08T10:00:00", "allowed is a date such as 2026-03-08"),
        ('[reader]\ntoken_audience = ""', 'reader.token_audience = "": allowed is a text that is not empty'),
        ("[dataset]\ntraining_days = 3", "[dataset]: what a data set says of itself stands in dataset.json"),
        ("[smoothing]\nlike_mean = 0.1", "unknown key 'smoothing.like_mean' = 0.1"),
        ("[pool]\nsize = ", "no TOML: Invalid value"),
        ("[pool]\nsize = 5\nsize = 6", "no TOML: Cannot overwrite a value"),
        (f"seed = {'[' * 5000}", "no TOML: "),
        ("", "is empty; leave it out to use the defaults"),
        (" \n\n", "is empty; leave it out to use the defaults"),
        ("#" * (MAX_BYTES + 1), "has more than 1,048,576 bytes; it is no file of settings"),
        ("[candidates]\ntotal = 99", "pool.size must be at most candidates.total: pool.size = 100 (default), "),
        ("[audit]\nmax_per_author = 2", "pool.max_per_author must be at most audit.max_per_author: "),
        (
            '[models]\nlight = "lightgbm"\n[training]\nprocesses = 2',
            "training.processes must be 1 if models.light is lightgbm: models.light = ",
        ),
        (
            '[models]\nheavy = "light"\nlight = "light"',
            'models.heavy must not be light, whose teacher is the heavy model: models.heavy = "light" (',
        ),
        (
            '[training]\ndevice = "cuda"\nprocesses = 2',
            'training.processes must be 1, or training.device "cpu": training.device = "cuda" (',
        ),
        (
            '[models]\nheavy = "lightgbm"\n[training]\ndevice = "cuda"',
            'it must be "cpu" if every model is lightgbm: training.device = "cuda" (',
        ),
        (
            '[models]\nheavy = "lightgbm"\nlight = "lightgbm"\n[training]\nbf16 = true',
            "it must be false if every model is lightgbm: training.bf16 = true (",
        ),
        ("[value]\nlike = 0\ncomment = 0\nshare = 0\ndwell_per_s = 0", "one of value.like, value.comment, "),
    ],
)
def test_a_bad_file_is_told_with_file_key_value_and_what_is_allowed(tmp_path: Path, text: str, message: str) -> None:
    file = file_of(tmp_path, text)
    (problem,) = problems_of(file)
    assert message in problem
    assert str(file) in problem


def test_a_file_that_is_none_is_told(tmp_path: Path) -> None:
    assert problems_of(tmp_path) == (f"{tmp_path}: is a directory; name a file",)
    assert problems_of(tmp_path / "gone.toml") == (f"{tmp_path / 'gone.toml'}: there is no such file",)
    latin = tmp_path / "latin.toml"
    latin.write_bytes("# größer\nseed = 3\n".encode("latin-1"))
    assert problems_of(latin) == (f"{latin}: is not UTF-8: byte 5 is wrong",)
    marked = tmp_path / "marked.toml"
    marked.write_bytes(b"\xef\xbb\xbfseed = 3\n")
    assert load(None, marked).settings.seed == 3


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "dataset.json").write_text('{"training_day": 5, "late_days": -1}')
    file = file_of(tmp_path, "[pool]\nsize = 0\nsise = 1\n[rules]\nshort_text = 300\n[pol]\na = 1")
    problems = problems_of(file, "seed=x", "pool", landing=tmp_path)
    assert [problem.partition(": ")[2] for problem in problems] == [
        "unknown key 'training_day' = 5; did you mean 'training_days'?",
        "late_days = -1: allowed is a whole number from 0 to 3,650",
        "unknown section [pol]; did you mean 'pool'?",
        "allowed is key=value, for example pool.size=50",
        "pool.size = 0: allowed is a whole number from 1 to 1,700",
        "unknown key 'pool.sise' = 1; did you mean 'pool.size'?",
        'seed = "x": allowed is a whole number from 0 to 2,147,483,647',
        f"rules.short_text = 300 ({file}), rules.long_text = 200 (default)",
    ]
    with pytest.raises(SettingsError, match=r"^8 problems with the settings\n"):
        load(str(tmp_path), file, ["seed=x", "pool"])


def test_a_refused_value_contradicts_nothing() -> None:
    assert len(problems_of(None, "pool.size=9999", "audit.min_median_depth=200")) == 1


def test_contradictions_are_found_across_file_and_command_line(tmp_path: Path) -> None:
    file = file_of(tmp_path, "[candidates]\ntotal = 150")
    assert load(None, file, ["pool.size=150"]).settings.pool.size == 150
    assert problems_of(file, "pool.size=151") == (
        f"pool.size must be at most candidates.total: pool.size = 151 (--set), candidates.total = 150 ({file})",
    )


def test_trees_are_grown_beside_a_network_on_a_gpu() -> None:
    words = ["models.heavy=lightgbm", "models.trial=full", "training.device=cuda", "training.bf16=true"]
    assert load(None, None, words).settings.training.device == "cuda"
    assert load(None, None, ["models.heavy=lightgbm"]).settings.training.processes == 1


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("pool.size", "--set pool.size: allowed is key=value, for example pool.size=50"),
        ("pool.size=", 'pool.size = "": allowed is a whole number'),
        ("pool.size=1\nseed=3", "pool.size = "),
        ("dataset.training_days=3", "stands in dataset.json of its landing area"),
        ("=3", "unknown key '' = 3"),
    ],
)
def test_a_bad_word_is_told(word: str, message: str) -> None:
    (problem,) = problems_of(None, word)
    assert message in problem


def test_a_text_of_the_command_line_needs_no_quotes() -> None:
    assert load(None, None, ["reader.token_audience=true"]).settings.reader.token_audience == "true"
    assert load(None, None, ['reader.token_audience="a b"']).settings.reader.token_audience == "a b"
    assert load(None, None, ["value_preset = x-2026"]).settings.value == VALUE_PRESETS["x-2026"]


@pytest.mark.parametrize("text", ["{", "[]", "null", '{"name": ""}', '{"training_days": NaN}', '{"training_days": 2}'])
def test_a_bad_dataset_names_its_file(tmp_path: Path, text: str) -> None:
    (tmp_path / "dataset.json").write_text(text)
    (problem,) = problems_of(landing=tmp_path)
    assert problem.startswith(f"{tmp_path / 'dataset.json'}: ")


def test_every_number_has_bounds_and_every_default_lies_within_them() -> None:
    kinds = KINDS | {f"dataset.{item.name}": Kind(str) for item in fields(SECTIONS["dataset"]) if item.type is str}
    for key, kind in kinds.items():
        if kind.type in (int, float):
            assert isinstance(kind.limit, Bounds), f"{key} has no bounds"
        default = value_of(Settings(), key)
        if default is not None:
            assert kind.accept(list(default) if kind.type is tuple else default) == default, key
    for preset in VALUE_PRESETS:
        assert load(None, None, [f"value_preset={preset}"]).settings.value == VALUE_PRESETS[preset]
    assert {key for rule in RULES for key in rule.keys} <= set(KINDS)


def test_the_largest_pool_can_be_packed() -> None:
    bounds = KINDS["pool.size"].limit
    assert isinstance(bounds, Bounds)
    columns: dict[str, Any] = {name: np.zeros(int(bounds.most), dtype) for name, dtype in POOL_DTYPES.items()}
    assert len(pack_pool(1, 1, 1, columns)) <= MAX_POOL_BYTES
    assert KINDS["pool.fallback_size"].limit == bounds


def values(kind: Kind) -> st.SearchStrategy[Any]:
    """Any value that the setting may have."""
    if kind.type is bool:
        return st.booleans()
    if isinstance(kind.limit, OneOf):
        words = st.sampled_from(kind.limit.words)
        return words if kind.type is str else st.lists(words, min_size=1, unique=True).map(tuple)
    if isinstance(kind.limit, Bounds):
        low, high, inside = kind.limit.least, kind.limit.most, kind.limit.inside
        if kind.type is int:
            return st.integers(int(low), int(high))
        return st.floats(low, high, exclude_min=inside, exclude_max=inside)
    return st.dates() if kind.type.__name__ == "date" else st.text(min_size=1)


RULED = {key for rule in RULES for key in rule.keys}
changes = st.dictionaries(st.sampled_from(sorted(KINDS.keys() - RULED)), st.none(), max_size=8).flatmap(
    lambda keys: st.fixed_dictionaries({key: values(KINDS[key]) for key in keys})
)


@given(changes)
def test_any_allowed_values_go_through_words_and_through_a_file(tmp_path_factory: Any, given_: dict[str, Any]) -> None:
    words = [f"{key}={toml_of(value)}" for key, value in given_.items()]
    settings = load(None, None, words).settings
    assert {key: value_of(settings, key) for key in given_} == given_
    assert load(None, None, words_of(settings)[1::2]).settings == settings
    file = tmp_path_factory.mktemp("settings") / "again.toml"
    file.write_text(toml_file(settings))
    assert load(None, file).settings == settings
    assert settings_hash(load(None, file).settings) == settings_hash(settings)


@pytest.mark.parametrize("key", sorted(KINDS))
@hypothesis.settings(max_examples=3)
@given(st.data())
def test_any_one_value_is_handed_on_and_moves_the_hash_of_a_night(key: str, data: st.DataObject) -> None:
    value = data.draw(values(KINDS[key]).filter(lambda one: one != value_of(Settings(), key)))
    try:
        settings = load(None, None, [f"{key}={toml_of(value)}"]).settings
    except SettingsError:
        return  # it contradicts a default
    assert load(None, None, words_of(settings)[1::2]).settings == settings
    assert (settings_hash(settings) == settings_hash(Settings())) == (key.partition(".")[0] in NOT_OF_A_NIGHT)


def test_equal_values_have_equal_hashes_however_they_are_written() -> None:
    def hash_with(*words: str) -> str:
        return settings_hash(load(None, None, words).settings)

    assert hash_with("value.like=2") == hash_with("value.like=2.0") == hash_with("value.like=0.2e1")
    assert hash_with("value.quality=-0.0") == hash_with("value.quality=0") == hash_with()
    assert len(hash_with()) == 64
