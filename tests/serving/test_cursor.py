import base64
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.reader.cursor import EXPIRED, NOT_VALID, Cursor, CursorCodec, CursorError
from serving.reader.merging import APART, MOST, NONE_PASSED, Passed
from serving.reader.selection import LEVELS, FeedFilter

SECRET = b"a secret for tests, longer than 32 bytes"
CODEC = CursorCodec(SECRET, lifetime_s=1800)
user_ids = st.integers(-(2**63), 2**63 - 1)
filters = st.sampled_from(["all", "friends", "pages", "groups", "chronological"])
numbers = st.integers(0, 2**32 - 1)
keys = st.tuples(st.floats(allow_nan=False), user_ids)
passed = st.just(NONE_PASSED) | st.builds(Passed, st.integers(1, MOST), keys, st.integers(0, APART))
cursors = st.builds(Cursor, numbers, st.sampled_from(LEVELS), numbers, st.none(), passed)


@given(cursors, user_ids, filters)
def test_what_was_sealed_is_opened(cursor: Cursor, user_id: int, feed_filter: str) -> None:
    assert CODEC.open(CODEC.seal(cursor, user_id, feed_filter), user_id, feed_filter) == cursor  # type: ignore[arg-type]


@given(cursors, user_ids, user_ids, filters, filters)
def test_another_user_or_filter_cannot_open_it(
    cursor: Cursor, user_id: int, other_id: int, feed_filter: str, other: str
) -> None:
    text = CODEC.seal(cursor, user_id, feed_filter)  # type: ignore[arg-type]
    if (user_id, feed_filter) != (other_id, other):
        with pytest.raises(CursorError, match=NOT_VALID):
            CODEC.open(text, other_id, other)  # type: ignore[arg-type]


@given(cursors, user_ids, filters)
def test_a_cursor_opens_in_the_arm_whose_pool_it_is_of(cursor: Cursor, user_id: int, feed_filter: FeedFilter) -> None:
    common, ours = (
        CODEC.seal(cursor, user_id, feed_filter),
        CODEC.seal(replace(cursor, arm="deep"), user_id, feed_filter),
    )
    assert {CODEC.open(common, user_id, feed_filter, arm) for arm in (None, "deep", "other")} == {cursor}
    assert CODEC.open(ours, user_id, feed_filter, "deep") == replace(cursor, arm="deep")
    for arm in (None, "other", "dee"):
        with pytest.raises(CursorError, match=NOT_VALID):
            CODEC.open(ours, user_id, feed_filter, arm)


@given(cursors, st.integers(0, 41), st.integers(1, 255))
def test_any_changed_byte_is_noticed(cursor: Cursor, place: int, change: int) -> None:
    sealed = bytearray(base64.urlsafe_b64decode(CODEC.seal(cursor, 1, "all")))
    sealed[place] ^= change
    with pytest.raises(CursorError, match=NOT_VALID):
        CODEC.open(base64.urlsafe_b64encode(sealed).decode(), 1, "all")


@given(st.integers(0, 10_000))
def test_a_cursor_has_one_spelling(position: int) -> None:
    text = CODEC.seal(Cursor(1, "redis", position), 1, "all")
    respelled = text.replace("-", "+").replace("_", "/")
    if respelled != text:
        with pytest.raises(CursorError, match=NOT_VALID):
            CODEC.open(respelled, 1, "all")


@given(st.text(max_size=80))
def test_noise_is_not_valid(text: str) -> None:
    with pytest.raises(CursorError, match=NOT_VALID):
        CODEC.open(text, 1, "all")


def test_expires_after_its_lifetime() -> None:
    now = [1000.0]
    codec = CursorCodec(SECRET, lifetime_s=1800, clock=lambda: now[0])
    text = codec.seal(Cursor(7, "redis", 20), 1, "all")
    now[0] = 2799.0
    assert codec.open(text, 1, "all") == Cursor(7, "redis", 20)
    now[0] = 2800.0
    with pytest.raises(CursorError, match=EXPIRED):
        codec.open(text, 1, "all")


def test_another_secret_cannot_open_it() -> None:
    text = CODEC.seal(Cursor(7, "redis", 20), 1, "all")
    with pytest.raises(CursorError, match=NOT_VALID):
        CursorCodec(b"another secret that is long enough too", 1800).open(text, 1, "all")


def test_says_nothing_in_the_clear_and_differs_each_time() -> None:
    texts = {CODEC.seal(Cursor(7, "redis", 20), 1, "all") for _ in range(20)}
    assert len(texts) == 20
    assert {len(text) for text in texts} == {56}
