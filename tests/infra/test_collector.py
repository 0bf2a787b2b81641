"""The services that ``make collector`` starts."""

from pathlib import Path

import pytest

from infra import collector, services
from serving.collector.__main__ import parse_arguments
from serving.collector.stream import NEEDED
from serving.drain.__main__ import parse_arguments as parse_drain


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, list[str]]:
    """Commands by the name of their service; nothing runs."""
    commands: dict[str, list[str]] = {}
    for module in (services, collector):
        monkeypatch.setattr(module, "RUN", tmp_path)
    monkeypatch.setattr(services, "start", lambda name, command, *_: commands.update({name: list(command)}))
    monkeypatch.setattr(services, "wait_for", lambda *_: None)
    monkeypatch.setattr(services, "stop", lambda _: None)
    return commands


def test_its_redis_keeps_what_the_collector_asks_for(started: dict[str, list[str]]) -> None:
    url = collector.start_event_redis()
    words = started["events"][1:]
    options = dict(zip(words[::2], words[1::2], strict=True))
    assert {name: options[f"--{name}"] for name in NEEDED} == NEEDED
    assert url.endswith(f":{options['--port']}")


def test_collector_and_drain_understand_their_options(started: dict[str, list[str]], tmp_path: Path) -> None:
    (tmp_path / "site" / "landing").mkdir(parents=True)
    url = collector.start_collector("redis://events", tmp_path / "site", ["--set", "drain.every_s=5"])
    taking, draining = started["collector"], started["drain"]
    assert (taking[1:3], draining[1:3]) == (["-m", "serving.collector"], ["-m", "serving.drain"])
    options = parse_arguments(taking[3:])
    assert (f"http://127.0.0.1:{options.port}", options.redis) == (url, "redis://events")
    assert options.serving_redis == f"redis://127.0.0.1:{services.ports()['redis']}/0"
    drained = parse_drain(draining[3:])
    assert (drained.landing, drained.settings.drain.every_s) == (tmp_path / "site" / "landing", 5.0)
    assert not drained.once


def test_ports_that_are_known_stay_and_new_ones_are_added(started: dict[str, list[str]], tmp_path: Path) -> None:
    (tmp_path / "ports.json").write_text('{"redis": 1, "airflow": 2, "feed": 3}')
    ports = services.ports()
    assert (ports["redis"], ports["airflow"], ports["feed"]) == (1, 2, 3)
    assert set(ports) == set(services.PORTS)
    assert services.ports() == ports
    assert started == {}
