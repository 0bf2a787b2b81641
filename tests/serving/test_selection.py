import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from contracts.epochs import FLAG_PUBLIC, POOL_DTYPES, Pool
from contracts.erasure import NOBODY as AUTHOR_UNKNOWN
from serving.reader.selection import FeedFilter, Suppression, rows_in_order, select

NOBODY = Suppression()
NOTHING: frozenset[int] = frozenset()


def pool_of(rows: list[tuple[int, int, int, int, int]]) -> Pool:
    """A pool of (post, author, source, created_at, flags) rows."""
    columns = {name: np.zeros(len(rows), dtype) for name, dtype in POOL_DTYPES.items()}
    for place, name in enumerate(("post_id", "author_id", "source", "created_at", "flags")):
        columns[name] = np.array([row[place] for row in rows], POOL_DTYPES[name])
    return Pool(1, 0, None, columns)


FOUR = pool_of([(11, 1, 0, 50, 1), (12, 2, 1, 90, 0), (13, 3, 2, 90, 1), (14, 1, 0, 70, 0)])


def test_filters_keep_the_ranking_and_chronological_is_newest_first() -> None:
    orders = {
        feed_filter: rows_in_order(FOUR, feed_filter)
        for feed_filter in ("all", "friends", "pages", "groups", "chronological")
    }
    assert orders == {
        "all": [0, 1, 2, 3],
        "friends": [0, 3],
        "pages": [1],
        "groups": [2],
        "chronological": [2, 1, 3, 0],
    }


def test_each_kind_of_suppression_withholds_and_is_counted_once() -> None:
    suppression = Suppression(blocked=frozenset({2}), hidden=frozenset({13, 12}))
    selection = select(FOUR, "all", 0, suppression, frozenset({11}), public_only=False)
    assert selection.rows == [(3, 3)]
    assert selection.suppressed == {"takedown": 1, "block": 1, "hidden": 1, "not_public": 0, "narrowed": 0}


def test_no_block_withholds_a_post_whose_author_nobody_knows() -> None:
    pool = pool_of([(11, AUTHOR_UNKNOWN, 5, 50, 1), (12, 2, 1, 90, 1)])
    suppression = Suppression(blocked=frozenset(range(-10, 10)))
    assert select(pool, "all", 0, suppression, NOTHING, public_only=False).rows == [(0, 0)]


def test_public_only_needs_the_flag() -> None:
    selection = select(FOUR, "all", 0, NOBODY, NOTHING, public_only=True)
    assert [row for _, row in selection.rows] == [0, 2]
    assert selection.suppressed["not_public"] == 2


def test_positions_count_before_suppression() -> None:
    hidden = Suppression(hidden=frozenset({11}))
    assert select(FOUR, "friends", 0, hidden, NOTHING, public_only=False).rows == [(1, 3)]
    assert select(FOUR, "friends", 1, NOBODY, NOTHING, public_only=False).rows == [(1, 3)]


rows = st.lists(
    st.tuples(
        st.integers(-(2**63), 2**63 - 1),
        st.integers(1, 5),
        st.integers(0, 5),
        st.integers(0, 2**32 - 1),
        st.integers(0, FLAG_PUBLIC | 2),
    ),
    unique_by=lambda row: row[0],
    max_size=60,
)


@given(
    rows,
    st.sampled_from(["all", "friends", "pages", "groups", "chronological"]),
    st.integers(1, 50),
    st.lists(st.frozensets(st.integers(1, 5), max_size=3), min_size=61, max_size=61),
)
def test_pages_have_no_duplicate_and_no_gap_while_blocks_come_and_go(
    posts: list[tuple[int, int, int, int, int]],
    feed_filter: FeedFilter,
    count: int,
    blocked_by_page: list[frozenset[int]],
) -> None:
    pool = pool_of(posts)
    shown: list[int] = []
    withheld: list[int] = []
    position = 0
    for blocked in blocked_by_page:
        page = select(pool, feed_filter, position, Suppression(blocked=blocked), NOTHING, public_only=False).rows[
            :count
        ]
        end = page[-1][0] + 1 if page else len(rows_in_order(pool, feed_filter))
        seen = {row for _, row in page}
        withheld += [row for row in rows_in_order(pool, feed_filter)[position:end] if row not in seen]
        assert all(posts[row][1] in blocked for row in withheld[len(withheld) - (end - position - len(page)) :])
        shown += [row for _, row in page]
        position = end
    assert len(shown) == len(set(shown))
    assert sorted(shown + withheld) == sorted(rows_in_order(pool, feed_filter))
    assert shown == [row for row in rows_in_order(pool, feed_filter) if row in set(shown)]
