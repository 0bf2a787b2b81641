"""One writer per table on S3."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from contracts.places import Place
from storage import leases as module
from storage.leases import Leases, TableIsWritten
from tests.fake_s3 import BUCKET, FakeS3, fake_s3

TABLE = Place.parse(f"s3://{BUCKET}/lake/gold/models")
OBJECT = "lake/gold/_writers/models.json"


@pytest.fixture
def server() -> Iterator[FakeS3]:
    with fake_s3() as fake:
        yield fake


def writer(name: str, lasts_s: float = 2.0, renewed_s: float = 0.2) -> Leases:
    return Leases(name, f"the night of {name}", lasts_s, renewed_s)


def test_a_second_writer_is_refused_while_the_first_lives(server: FakeS3) -> None:
    first, second = writer("first"), writer("second")
    with first.writing(TABLE), pytest.raises(TableIsWritten) as refusal, second.writing(TABLE):
        pass
    for word in (str(TABLE), "the night of first", "the night of second is refused", "run it again"):
        assert word in str(refusal.value)
    assert OBJECT in server.objects, "it is held until the job ends"
    first.release_all()
    assert OBJECT not in server.objects
    with second.writing(TABLE):
        pass
    second.release_all()


def test_a_killed_writer_keeps_nobody_waiting_for_long(server: FakeS3) -> None:
    killed, heir = writer("killed", renewed_s=1000.0), writer("heir", lasts_s=0.6)
    killed.hold(TABLE)
    begun = time.monotonic()
    heir.hold(TABLE)
    assert time.monotonic() - begun >= 0.6, "it watches whether the lease is renewed"
    assert b"heir" in server.objects[OBJECT]
    killed._renew(TABLE)
    assert b"heir" in server.objects[OBJECT], "who lost it does not take it back"
    killed.release_all()
    assert b"heir" in server.objects[OBJECT]
    heir.release_all()


def test_a_write_whose_lease_was_lost_counts_as_failed(server: FakeS3) -> None:
    slow, heir = writer("slow", renewed_s=1000.0), writer("heir", lasts_s=0.3)
    write = slow.writing(TABLE)
    write.__enter__()
    heir.hold(TABLE)
    slow._renew(TABLE)
    with pytest.raises(TableIsWritten, match="could not be renewed while the night of slow wrote"):
        write.__exit__(None, None, None)
    heir.release_all()
    assert server.objects == {}


def test_a_lease_is_not_trusted_as_long_as_it_lasts() -> None:
    assert module.RENEWED_S * 2 < module.TRUSTED_S < module.LASTS_S


def test_what_a_writer_starts_works_for_it(server: FakeS3, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(module.OWNER, raising=False)
    module.leases_of_process.cache_clear()
    night = module.leases_of_process()
    module.leases_of_process.cache_clear()
    training = module.leases_of_process()
    assert training.owner == night.owner
    night.hold(TABLE)
    training.hold(TABLE)
    night._renew(TABLE)
    training._renew(TABLE)
    assert TABLE in night._held
    night.release_all()
    training.release_all()
    module.leases_of_process.cache_clear()
    assert server.objects == {}


def test_on_a_disk_there_is_no_lease(tmp_path: Path) -> None:
    with writer("first").writing(Place.parse(tmp_path)), writer("second").writing(Place.parse(tmp_path)):
        pass
    assert list(tmp_path.iterdir()) == []
