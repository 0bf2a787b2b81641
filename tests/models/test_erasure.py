from pathlib import Path

from models.checkpoint import read_checkpoint, write_checkpoint
from models.erasure import is_before_erasure, mark_before_erasure
from tests.model_examples import make_config, make_network


def test_a_mark_stays_until_the_same_weights_are_trained_again(tmp_path: Path) -> None:
    first, second = (write_checkpoint(tmp_path, make_network(seed=seed), make_config()) for seed in (1, 2))
    (tmp_path / ".building-1").mkdir()
    assert mark_before_erasure(tmp_path) == 2
    assert mark_before_erasure(tmp_path / "nothing") == 0
    assert is_before_erasure(tmp_path / first)
    assert read_checkpoint(tmp_path / first).model_version == first, "the mark is no damage"
    assert write_checkpoint(tmp_path, make_network(seed=1), make_config()) == first
    assert [is_before_erasure(tmp_path / version) for version in (first, second)] == [False, True]
