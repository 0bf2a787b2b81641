"""The reader's command line: options of its own, a settings file, and the variable that names one."""

from pathlib import Path

import pytest

from contracts.settings import ReaderLimits, ReaderRules
from contracts.settings.options import VARIABLE
from serving.reader.__main__ import parse_arguments


def test_without_options_everything_is_a_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    settings = parse_arguments([]).settings
    assert (settings.reader, settings.reader_limits) == (ReaderRules(), ReaderLimits())


def test_an_option_goes_before_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "reader.toml"
    file.write_text("[reader]\nredis_timeout_s = 0.2\nbreaker_open_s = 5\nrefresh_s = 2\n")
    monkeypatch.setenv(VARIABLE, str(file))
    words = ["--redis-timeout-ms", "2000", "--max-connections", "64", "--set", "reader.breaker_open_s=7"]
    settings = parse_arguments(words).settings
    assert settings.reader == ReaderRules(redis_timeout_s=2.0, breaker_open_s=7.0, refresh_s=2.0)
    assert settings.reader_limits == ReaderLimits(connections=64)


@pytest.mark.parametrize(
    "words",
    [
        ("--max-connections", "0"),
        ("--redis-timeout-ms", "nan"),
        ("--set", "reader.x=1"),
        ("--set", "reader.replay_share=0.1"),
    ],
)
def test_wrong_settings_end_it(words: tuple[str, str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        parse_arguments([*words])
