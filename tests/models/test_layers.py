import pytest
import torch

from models.layers import ColumnNorm, Segments, Spread


def _spread(values: list[float]) -> Spread:
    spread = Spread(1, len(values))
    spread.fit(torch.tensor([sorted(values)]))
    return spread


def _map(spread: Spread, values: list[float]) -> list[float]:
    return [float(value) for value in spread(torch.tensor(values)[:, None])[:, 0]]


def test_places_of_the_training_rows_have_unit_variance_and_keep_the_order() -> None:
    spread = _spread([0.0, 1.0, 2.0, 4.0, 1000.0])
    scores = _map(spread, [0.0, 1.0, 2.0, 4.0, 1000.0])
    assert scores == sorted(scores)
    assert sum(scores) == pytest.approx(0, abs=1e-6)
    assert sum(score**2 for score in scores) / 5 == pytest.approx(1)


def test_between_two_quantiles_it_is_linear_and_beyond_the_ends_flat() -> None:
    spread = _spread([0.0, 1.0, 3.0])
    low, middle, high = _map(spread, [0.0, 1.0, 3.0])
    assert _map(spread, [2.0, -50.0, 1e9]) == pytest.approx([(middle + high) / 2, low, high])


def test_a_value_of_many_rows_lies_in_the_middle_of_its_places() -> None:
    spread = _spread([0.0] * 8 + [5.0, 7.0])
    tied, five, seven = _map(spread, [0.0, 5.0, 7.0])
    assert tied < 0 < five < seven
    places = torch.arange(10, dtype=torch.float64)
    normal = torch.special.ndtri((places + 0.5) / 10)
    assert tied / seven == pytest.approx(float(normal[:8].mean() / normal[9]))


def test_a_constant_input_says_nothing() -> None:
    assert _map(_spread([3.0] * 5), [2.0, 3.0, 4.0]) == pytest.approx([0.0, 0.0, 0.0], abs=1e-9)


def test_a_batch_of_one_row_is_normalised_by_what_was_seen_before() -> None:
    norm = ColumnNorm(2)
    norm(torch.tensor([[0.0, 5.0], [2.0, 9.0]]))
    single = torch.tensor([[1.0, 7.0]])
    trained = norm(single)
    assert torch.equal(trained, norm.eval()(single))


def _segments(values: list[float], num_segments: int) -> Segments:
    segments = Segments(1, num_segments)
    segments.fit(torch.tensor([sorted(values)]))
    return segments


def test_a_value_fills_the_segments_below_it() -> None:
    segments = _segments([0.0, 1.0, 2.0, 4.0, 1028.0], 4)
    filled = segments(torch.tensor([[-5.0], [0.5], [3.0], [516.0], [1e9]]))
    assert filled.tolist() == [[0, 0, 0, 0], [0.5, 0, 0, 0], [1, 1, 0.5, 0], [1, 1, 1, 0.5], [1, 1, 1, 1]]


def test_values_that_many_rows_share_bound_one_segment() -> None:
    segments = _segments([0.0] * 8 + [5.0, 7.0], 3)
    assert segments(torch.tensor([[0.0], [5.0], [6.0]])).tolist() == [[0, 0, 0], [1, 0, 0], [1, 0, 0.5]]
    assert not _segments([3.0] * 5, 3)(torch.tensor([[2.0], [3.0], [4.0]])).any()


def test_segments_of_several_inputs_stand_side_by_side() -> None:
    segments = Segments(2, 2)
    segments.fit(torch.tensor([[0.0, 1.0, 2.0], [10.0, 20.0, 40.0]]))
    assert segments(torch.tensor([[1.5, 15.0]])).tolist() == [[1.0, 0.5, 0.5, 0.0]]
