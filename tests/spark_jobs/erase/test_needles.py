"""The proof finds an id in every form in which it could remain, and nothing if it is gone."""

import json
import struct
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spark_jobs.erase.needles import Needles, kind_of
from spark_jobs.erase.search_list import SearchList

USER, POST, SMALL = 1_000_153, 2**60 + 7, 12
NEEDLES = Needles(SearchList("r", (SMALL, USER), (SMALL + 1, POST), phrases=("Cléo Quill", "a text of theirs")))


@pytest.mark.parametrize(
    "data",
    [
        b"pool:7:{u1000153}",
        b'{"maxValues":{"user_id":1000153}}',
        b"IN (99,1000153)",
        f"ds=1/{POST}.txt".encode(),
        b'{"user_id": 12}',
        b'{"user_id":"12"}',
        b'{"post_id":13}',
        b'{"mentions": [5, 12,7]}',
        b'{"blocked":[5,12]}',
        b'{"hidden":[13]}',
        "<h1>Cléo Quill</h1>".encode(),
        json.dumps({"name": "Cléo Quill"}).encode(),
        b'{"text":"well, a text of theirs!"}',
    ],
)
def test_text_that_holds_them(data: bytes) -> None:
    assert NEEDLES.in_text(data)


@pytest.mark.parametrize(
    "data",
    [
        b"11000153",
        b"10001530",
        b'{"user_id": 13}',
        b'{"post_id":12}',
        b'{"position": 12}',
        b'{"mentions": [112]}',
        b'{"hidden":[12]}',
        b"",
    ],
)
def test_text_that_does_not(data: bytes) -> None:
    assert NEEDLES.in_text(data) == set()


def test_a_number_that_something_else_bears_too_is_looked_for_where_its_kind_is_known() -> None:
    shared = Needles(SearchList("r", (USER,), (POST,), borne=(USER,)))
    assert shared.in_text(b'{"maxValues":{"post_id":1000153}} post:7:1000153') == set()
    assert shared.in_text(b'{"user_id":1000153}') == {"user 1000153"}
    assert shared.in_array(pa.array([USER, 5]), "user") == {f"user {USER}"}
    assert shared.in_array(pa.array([USER, 5]), None) == shared.in_array(pa.array([USER, 5]), "post") == set()
    assert shared.in_text(str(POST).encode()) == {str(POST)}


@given(st.binary(max_size=40), st.binary(max_size=40), st.sampled_from(["<q", ">q"]), st.sampled_from([USER, POST]))
def test_a_packed_id_is_found_at_any_offset_in_either_order(before: bytes, after: bytes, order: str, i: int) -> None:
    assert f"packed {i}" in NEEDLES.in_packed(before + struct.pack(order, i) + after)


@given(st.binary(max_size=100))
def test_bytes_without_an_id_hold_none(data: bytes) -> None:
    held = any(struct.pack(order, i) in data for order in ("<q", ">q") for i in (USER, POST))
    assert bool(NEEDLES.in_packed(data)) == held


def test_columns_are_searched_through_lists_structs_and_maps() -> None:
    rows: list[dict[str, Any]] = [{"a": [{"b": 1}, {"b": USER}], "c": [("k", f"x {POST}")]}, {"a": [], "c": []}]
    kind = pa.list_(pa.struct([("b", pa.int64())]))
    nested = pa.array([row["a"] for row in rows], kind)
    assert NEEDLES.in_array(nested, None) == {f"id {USER}"}
    assert NEEDLES.in_array(pa.array([row["c"] for row in rows], pa.map_(pa.string(), pa.string())), None) == {
        str(POST)
    }
    assert NEEDLES.in_array(pa.array([b"x" + struct.pack("<q", POST)]), None) == {f"packed {POST}"}
    assert NEEDLES.in_array(pa.array([1.5, None]), None) == set()


def test_a_small_id_counts_only_where_it_is_an_id() -> None:
    assert NEEDLES.in_array(pa.array([SMALL], pa.int64()), kind_of("silver.users", "user_id")) == {f"user {SMALL}"}
    assert NEEDLES.in_array(pa.array([SMALL], pa.int64()), kind_of("silver.posts", "post_id")) == set()
    assert NEEDLES.in_array(pa.array([SMALL], pa.int32()), kind_of("silver.impressions", "position")) == set()
    assert NEEDLES.in_array(pa.array([[SMALL]], pa.list_(pa.int64())), kind_of("silver.posts", "audience"))
