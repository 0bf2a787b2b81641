import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from contracts.epochs import AD, FLAG_PUBLIC, FLAG_SENSITIVE, POOL_DTYPES, Pool
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


def with_ads(posts: list[bool], places: list[int]) -> Pool:
    """Public posts by author 1, sensitive or not, with an ad by author 2 after so many posts each."""
    rows = [(n, 1, 0, n, FLAG_PUBLIC | FLAG_SENSITIVE * risky) for n, risky in enumerate(posts)]
    for number, place in reversed(list(enumerate(places))):
        rows.insert(place, (1000 + number, 2, AD, 0, FLAG_PUBLIC))
    return pool_of(rows)


def ids_of(pool: Pool, rows: list[tuple[int, int]]) -> list[int]:
    return [int(pool.columns["post_id"][row]) for _, row in rows]


def test_ads_keep_their_distance_from_each_other_when_posts_are_withheld() -> None:
    pool = with_ads([False] * 8, [2, 4, 6])
    assert ids_of(pool, select(pool, "all", 0, NOBODY, NOTHING, public_only=False).rows) == [
        *(0, 1, 1000, 2, 3, 1001, 4, 5, 1002, 6, 7)
    ]
    shown = select(pool, "all", 0, Suppression(hidden=frozenset({1, 4})), NOTHING, public_only=False).rows
    assert ids_of(pool, shown) == [0, 2, 1000, 3, 5, 1001, 6, 7, 1002]
    hidden_ad = select(pool, "all", 0, Suppression(hidden=frozenset({1000})), NOTHING, public_only=False)
    assert ids_of(pool, hidden_ad.rows) == [0, 1, 2, 3, 1001, 4, 5, 1002, 6, 7]
    assert hidden_ad.suppressed["hidden"] == 1


def test_an_ad_does_not_come_beside_a_sensitive_post_when_the_one_between_is_withheld() -> None:
    pool = with_ads([False, False, True, False, False], [1])
    hidden = Suppression(hidden=frozenset({1}))
    assert ids_of(pool, select(pool, "all", 0, hidden, NOTHING, public_only=False).rows) == [0, 2, 3, 1000, 4]
    hidden = Suppression(hidden=frozenset({1, 3, 4}))
    assert ids_of(pool, select(pool, "all", 0, hidden, NOTHING, public_only=False).rows) == [0, 2]


def test_ads_are_in_the_user_s_own_ranking_only() -> None:
    pool = with_ads([False] * 4, [2])
    filters: tuple[FeedFilter, ...] = ("friends", "pages", "groups", "chronological")
    for feed_filter in filters:
        assert 1000 not in ids_of(pool, select(pool, feed_filter, 0, NOBODY, NOTHING, public_only=False).rows)
    degraded = select(pool, "all", 0, NOBODY, NOTHING, public_only=True)
    assert ids_of(pool, degraded.rows) == [0, 1, 2, 3]


@given(
    st.lists(st.booleans(), min_size=1, max_size=40),
    st.lists(st.integers(2, 9), max_size=6),
    st.frozensets(st.integers(0, 40), max_size=20),
    st.integers(1, 12),
)
def test_whatever_is_withheld_ads_stay_apart_and_pages_lose_no_post(
    posts: list[bool], gaps: list[int], hidden: frozenset[int], count: int
) -> None:
    places = [place for place in np.cumsum(gaps).tolist() if place <= len(posts)]
    pool, suppression = with_ads(posts, places), Suppression(hidden=hidden)
    whole = ids_of(pool, select(pool, "all", 0, suppression, NOTHING, public_only=False).rows)
    assert [post for post in whole if post < 1000] == [post for post in range(len(posts)) if post not in hidden]
    ads = [at for at, post in enumerate(whole) if post >= 1000]
    for before, at in zip([-1, *ads], ads, strict=False):
        assert at - before - 1 >= gaps[whole[at] - 1000]
        assert not any(posts[post] for post in (*whole[at - 1 : at], *whole[at + 1 : at + 2]))
    position, paged = 0, list[int]()
    while page := select(pool, "all", position, suppression, NOTHING, public_only=False).rows[:count]:
        paged += ids_of(pool, page)
        position = page[-1][0] + 1
    assert [post for post in paged if post < 1000] == [post for post in whole if post < 1000]
    assert [post for post in paged if post >= 1000] == [post for post in whole if post >= 1000 and post in paged]
