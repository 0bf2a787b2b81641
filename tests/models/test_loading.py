import shutil
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch
from deltalake import write_deltalake

from contracts.heads import LABEL_COLUMNS
from contracts.places import Place
from contracts.settings import Dataset
from models.examples import COLUMNS, FEATURE_COLUMNS, NUM_INPUTS, Examples
from models.readers import read_by_arrow, read_by_petastorm
from models.snapshot import Snapshot, pin_snapshot, split_days
from storage import arrow
from tests.model_examples import DAYS, make_columns, write_examples


def _snapshot(days: list[date]) -> Snapshot:
    return Snapshot(3, {day: (Place.parse(f"{day}.parquet"),) for day in days})


def test_the_last_days_are_held_out_and_the_night_itself_is_not_used() -> None:
    days = [date(2026, 3, day) for day in range(1, 10)]
    dataset = Dataset(training_days=6, calibration_days=1, holdout_days=2)
    split = split_days(_snapshot(days), date(2026, 3, 8), dataset)
    assert split.training == tuple(date(2026, 3, day) for day in (2, 3, 4))
    assert split.calibration == (date(2026, 3, 5),)
    assert split.holdout == (date(2026, 3, 6), date(2026, 3, 7))


def test_too_few_days_are_named() -> None:
    with pytest.raises(
        ValueError, match=r"gold.training_examples version 3 has examples of 2 days \(2026-03-06, 2026-03-07\)"
    ):
        split_days(_snapshot([date(2026, 3, 6), date(2026, 3, 7), date(2026, 3, 8)]), date(2026, 3, 8), Dataset())


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"gold\.training_examples does not exist"):
        pin_snapshot(tmp_path)


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    write_examples(tmp_path, days=DAYS[:1], num_rows=5, without="post_log_likes")
    with pytest.raises(ValueError, match="version 0 lacks the columns post_log_likes"):
        pin_snapshot(tmp_path)


@pytest.mark.train
class TestReading:
    """What needs Petastorm."""

    @pytest.fixture(autouse=True)
    def _needs_petastorm(self) -> None:
        pytest.importorskip("petastorm", reason="Petastorm lives in the training environment")

    def test_columns_come_in_order(self, tmp_path: Path) -> None:
        lake_root = tmp_path / "a lake=50%"  # a folder name that URIs would escape
        write_examples(lake_root, num_rows=50)
        (shard,) = Examples(pin_snapshot(lake_root).files_of(DAYS[1:2]))
        columns = make_columns(DAYS[1], 50)
        wanted = np.column_stack([np.asarray(columns[name]) for name in FEATURE_COLUMNS])
        assert wanted.shape == (50, NUM_INPUTS) == (50, 128 + 128 + 27 + 20)
        np.testing.assert_array_equal(shard.features.numpy(), wanted)
        for index, label in enumerate(LABEL_COLUMNS):
            np.testing.assert_array_equal(shard.labels[:, index].numpy(), columns[label])

    def test_only_the_files_of_the_snapshot_are_read(self, tmp_path: Path) -> None:
        write_examples(tmp_path, days=DAYS[:1], num_rows=40)
        path = str(tmp_path / "gold" / "training_examples")
        pinned = pin_snapshot(tmp_path)
        write_examples(tmp_path, days=DAYS[:1], num_rows=10)
        assert sum(shard.num_rows for shard in Examples(pinned.files_of(DAYS))) == 40
        kept = pa.table(make_columns(DAYS[0], 7))
        write_deltalake(path, kept, mode="overwrite", predicate=f"ds = '{DAYS[0]}'")
        # the old files still lie in the folder, but no longer belong to the table
        assert sum(shard.num_rows for shard in Examples(pin_snapshot(tmp_path).files_of(DAYS))) == 7

    def test_files_on_s3_are_fetched_one_by_one(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        write_examples(tmp_path, num_rows=60, num_files=3)
        files = pin_snapshot(tmp_path).files_of(DAYS)
        (local,) = Examples(files)
        copies: list[str] = []

        def fetch(file: Place, copy: Place) -> None:
            copies.append(copy.path)
            shutil.copy(f"/{file.path}", copy.path)

        monkeypatch.setattr(arrow, "fetch", fetch)
        (fetched,) = Examples([Place("s3", file.path.removeprefix("/")) for file in files])
        assert torch.equal(fetched.features, local.features)
        assert torch.equal(fetched.labels, local.labels)
        assert (len(copies), len(set(copies))) == (len(files), 1), "no more than one lies on the disk"
        assert not Path(copies[0]).exists()

    def test_rows_do_not_depend_on_the_files(self, tmp_path: Path) -> None:
        write_examples(tmp_path / "one", num_rows=60)
        write_examples(tmp_path / "three", num_rows=60, num_files=3)
        (one,) = Examples(pin_snapshot(tmp_path / "one").files_of(DAYS))
        (three,) = Examples(pin_snapshot(tmp_path / "three").files_of(DAYS))
        assert len(pin_snapshot(tmp_path / "three").files_of(DAYS)) == 12
        np.testing.assert_array_equal(one.features.numpy(), three.features.numpy())

    @pytest.mark.parametrize("part", [(0, 1), (0, 2), (1, 2), (2, 3), (4, 5)])
    def test_arrow_reads_the_same_rows(self, tmp_path: Path, part: tuple[int, int]) -> None:
        write_examples(tmp_path, days=DAYS[:2], num_rows=30, num_files=2)
        files = pin_snapshot(tmp_path).files_of(DAYS)
        read = [list(reader(files, COLUMNS, part)) for reader in (read_by_petastorm, read_by_arrow)]
        assert sum(len(ids) for ids, _ in read[1]) > 0
        for (ids, values), (other_ids, other_values) in zip(*read, strict=True):
            np.testing.assert_array_equal(ids, other_ids)
            np.testing.assert_array_equal(values, other_values)

    def test_shards_hold_at_most_so_many_rows(self, tmp_path: Path) -> None:
        write_examples(tmp_path, num_rows=25)
        examples = Examples(pin_snapshot(tmp_path).files_of(DAYS), shard_rows=40)
        first, second = list(examples), list(examples)
        assert [shard.num_rows for shard in first] == [40, 40, 20]
        for one, other in zip(first, second, strict=True):
            np.testing.assert_array_equal(one.features.numpy(), other.features.numpy())

    def test_a_nan_is_refused_by_column(self, tmp_path: Path) -> None:
        columns = make_columns(DAYS[0], 20)
        columns["user_age"][3] = np.nan
        columns["post_content_embedding"][5][49] = np.inf
        path = str(tmp_path / "gold" / "training_examples")
        write_deltalake(path, pa.table(columns), partition_by=["ds"])
        with pytest.raises(ValueError, match=r"NaN or infinite values in user_age, post_content_embedding$"):
            list(Examples(pin_snapshot(tmp_path).files_of(DAYS)))
