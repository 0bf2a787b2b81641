"""Posts made since the night among ranked ones: order, distance, places that stay, and pages that fit together."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from contracts.epochs import AD, FLAG_EXPLORATION, FLAG_PUBLIC, POOL_DTYPES, Pool
from serving.reader.assembly import Assembled, Assembly, PageInputs, Source
from serving.reader.cards import Card
from serving.reader.merging import APART, MOST, NONE_PASSED, Passed, with_fresh
from serving.reader.selection import FeedFilter, Suppression

FIRST_FRESH = 1_000
PAGE = 1
scores = st.integers(-8, 8).map(float)


@dataclass(frozen=True)
class Row:
    """A row of a pool; fresh ones have ids from ``FIRST_FRESH`` on."""

    post_id: int
    score: float = 0.0
    kind: str = "plain"
    source: int = 0
    created_at: int = 0


def pool_of(rows: list[Row]) -> Pool:
    columns: dict[str, Any] = {name: np.zeros(len(rows), dtype) for name, dtype in POOL_DTYPES.items()}
    for name in ("post_id", "score", "created_at"):
        columns[name] = np.array([getattr(row, name) for row in rows], POOL_DTYPES[name])
    columns["source"] = np.array([AD if row.kind == "ad" else row.source for row in rows], "u1")
    columns["author_id"] = columns["post_id"].astype("<i8")
    flags = [FLAG_PUBLIC | FLAG_EXPLORATION * (row.kind == "drawn") for row in rows]
    columns["flags"] = np.array(flags, "u1")
    return Pool(1, 0, 5, columns)


def fresh_rows(found: list[float]) -> list[Row]:
    return [Row(FIRST_FRESH + at, score, created_at=100 + at) for at, score in enumerate(found)]


def page_of(source: Source, count: int, hidden: frozenset[int], feed_filter: FeedFilter = "all") -> Assembled:
    assembly = Assembly(PageInputs(source, feed_filter, count, Suppression(hidden=hidden), frozenset(), {}))
    while posts := assembly.next_posts():
        assembly.add([Card(b'{"id":%d' % post, "", "", is_public=True) for post in posts])
    return assembly.page


def ids_of(source: Source, page: Assembled) -> list[int]:
    posts = source.rows.columns["post_id"].tolist()
    return [posts[row] for row in page.rows]


def whole(
    pool: Pool, fresh: Pool | None, hidden: frozenset[int] = frozenset(), feed_filter: FeedFilter = "all"
) -> list[int]:
    source = Source("redis", pool, fresh=fresh)
    return ids_of(source, page_of(source, 10_000, hidden, feed_filter))


def ranked_rows(kinds: list[tuple[float, str]]) -> list[Row]:
    """Ads are at least two posts apart, so that none has to move."""
    rows: list[Row] = []
    for score, kind in kinds:
        if kind == "ad" and (len(rows) < 2 or any(row.kind == "ad" for row in rows[-2:])):
            kind = "plain"  # noqa: PLW2901 - a neighbour decides
        rows.append(Row(len(rows), score, kind))
    return rows


kinds = st.tuples(scores, st.sampled_from(("plain", "plain", "plain", "drawn", "ad")))
ranked = st.lists(kinds, max_size=30).map(ranked_rows)
fresh = st.lists(scores, max_size=8).map(fresh_rows)
hidden_ids = st.frozensets(st.integers(0, 29) | st.integers(FIRST_FRESH, FIRST_FRESH + 8), max_size=12)


def test_a_fresh_post_stands_before_the_first_of_a_lower_score() -> None:
    pool = pool_of([Row(0, 9), Row(1, 7), Row(2, 5), Row(3, 4), Row(4, 3), Row(5, 2)])
    assert whole(pool, pool_of(fresh_rows([7]))) == [0, 1, 1000, 2, 3, 4, 5]
    assert whole(pool, pool_of(fresh_rows([9.5, 8]))) == [1000, 0, 1, 2, 1001, 3, 4, 5]
    assert whole(pool, pool_of(fresh_rows([1, 1.5]))) == [0, 1, 2, 3, 4, 5, 1001]
    assert whole(pool, None) == whole(pool, pool_of([])) == [0, 1, 2, 3, 4, 5]


def test_a_withheld_fresh_post_holds_no_place_and_is_counted() -> None:
    pool, news = pool_of([Row(0, 9), Row(1, 7), Row(2, 5)]), pool_of(fresh_rows([8, 6]))
    assert whole(pool, news) == [0, 1000, 1, 2]
    assert whole(pool, news, frozenset({1000})) == [0, 1, 1001, 2]
    first = page_of(Source("redis", pool, fresh=news), 2, frozenset({1000}))
    assert first.suppressed["hidden"] == 1
    later = Source("redis", pool, 2, fresh=news, passed=Passed(1, (7.0, 1000), 0))
    assert page_of(later, 2, frozenset({1000, 1001})).suppressed["hidden"] == 1


def test_ads_and_drawn_posts_keep_their_place() -> None:
    rows = [Row(0, 9), Row(1, 0, "drawn"), Row(2, 8), Row(3, 7), Row(4, 0, "ad"), Row(5, 6)]
    assert whole(pool_of(rows), pool_of(fresh_rows([10]))) == [1000, 1, 0, 2, 4, 3, 5]


def test_filters_and_the_newest_first() -> None:
    rows = [Row(0, 9, created_at=5), Row(1, 8, source=1, created_at=9), Row(2, 7, source=2), Row(3, 6, created_at=7)]
    pool, news = pool_of(rows), pool_of(fresh_rows([10, 8.5]))
    found = {name: whole(pool, news, feed_filter=name) for name in ("friends", "pages", "groups", "chronological")}
    assert found == {
        "friends": [1000, 0, 3],
        "pages": [1],
        "groups": [2],
        "chronological": [1001, 1000, 1, 3, 0, 2],
    }


def test_without_a_ranked_post_to_show_there_is_no_fresh_one() -> None:
    pool, news = pool_of([Row(0), Row(1)]), pool_of(fresh_rows([5]))
    assert whole(pool, news, frozenset({0})) == [1000, 1]
    assert whole(pool, news, frozenset({0, 1})) == []


def test_rows_that_are_no_friends_posts_or_known_already_are_left_out() -> None:
    pool = pool_of([Row(0), Row(1)])
    strange = pool_of([Row(1000, 9, "ad"), Row(1, 9), Row(1001, 8, source=3), Row(1002, 7), Row(1002, 6)])
    assert with_fresh(pool, strange).columns["post_id"].tolist() == [0, 1, 1002]
    many = pool_of(fresh_rows([1.0] * (MOST + 9)))
    assert with_fresh(pool, many).count == MOST + 2


@given(ranked, fresh, hidden_ids)
def test_order_distance_and_places(rows: list[Row], news: list[Row], hidden: frozenset[int]) -> None:
    pool = pool_of(rows)
    plain, merged = whole(pool, None, hidden), whole(pool, pool_of(news), hidden)
    assert len(merged) == len(set(merged))
    assert not hidden & set(merged)
    kind_of = {row.post_id: row.kind for row in rows}
    # Where posts are withheld, an ad may find its distance only among fresh ones.
    posts = [[post for post in found if kind_of.get(post) != "ad" or not hidden] for found in (plain, merged)]
    assert sorted(post for post in posts[1] if post < FIRST_FRESH) == sorted(posts[0])
    score_of = {row.post_id: row.score for row in (*rows, *news)}
    free = [post for post in merged if kind_of.get(post, "plain") == "plain"]
    assert [post for post in free if post < FIRST_FRESH] == [post for post in plain if kind_of[post] == "plain"]
    for start in range(len(merged)):
        assert sum(post >= FIRST_FRESH for post in merged[start : start + APART + 1]) <= 1
    shown = [post for post in free if post >= FIRST_FRESH]
    assert [score_of[post] for post in shown] == sorted((score_of[post] for post in shown), reverse=True)
    for at, post in enumerate(free[:-1]):
        if post >= FIRST_FRESH:
            assert score_of[post] > score_of[free[at + 1]]
    if not hidden:
        assert all(merged.index(row.post_id) == row.post_id for row in rows if row.kind != "plain")


def test_an_ad_that_a_fresh_post_made_room_for_does_not_come_again() -> None:
    rows = [Row(0, 8), Row(1, 7), Row(2, 0, "ad"), Row(3, 6, "drawn"), Row(4, 5)]
    source, hidden = Source("redis", pool_of(rows), fresh=pool_of(fresh_rows([9]))), frozenset({1})
    first = page_of(source, 4, hidden)
    assert ids_of(source, first) == [1000, 0, 2, 3]
    assert first.following is not None
    later = replace(source, start=first.following, passed=first.passed)
    assert ids_of(later, page_of(later, 4, hidden)) == [4]


changes = st.lists(st.tuples(fresh, hidden_ids), min_size=1, max_size=4)


@given(ranked, fresh, changes, st.integers(1, 9), st.sampled_from(("all", "friends", "chronological")))
def test_pages_neither_repeat_nor_skip_whatever_happens_between_them(
    rows: list[Row], news: list[Row], later: list[tuple[list[Row], frozenset[int]]], count: int, name: FeedFilter
) -> None:
    """Between two pages fresh posts come and go; an id keeps its score, as in passes without an edit."""
    pool = pool_of(rows)
    score_of = {row.post_id: row for found, _ in later for row in found} | {row.post_id: row for row in news}
    seen: list[int] = []
    ever_hidden: set[int] = set()
    source, hidden = Source("redis", pool, fresh=pool_of(news)), frozenset[int]()
    for turn in range(200):
        page = page_of(source, count, hidden, name)
        seen += ids_of(source, page)
        if page.following is None:
            break
        found, hidden = later[turn % len(later)]
        ever_hidden |= hidden
        changed = pool_of([score_of[row.post_id] for row in found]) if turn % 3 else None
        source = Source("redis", pool, page.following, fresh=changed, passed=page.passed)
    assert len(seen) == len(set(seen))
    wanted = [row.post_id for row in rows if row.kind != "ad" and row.post_id not in ever_hidden]
    assert set(wanted) <= set(seen)
    for start in range(len(seen)):
        if name != "chronological":
            assert sum(post >= FIRST_FRESH for post in seen[start : start + APART + 1]) <= 1


@given(ranked, fresh, st.integers(1, 9), st.sampled_from(("all", "friends", "chronological")))
def test_pages_of_any_size_are_the_whole_feed(rows: list[Row], news: list[Row], count: int, name: FeedFilter) -> None:
    source = Source("redis", pool_of(rows), fresh=pool_of(news))
    seen: list[int] = []
    page = page_of(source, count, frozenset(), name)
    seen += ids_of(source, page)
    while page.following is not None:
        source = replace(source, start=page.following, passed=page.passed)
        page = page_of(source, count, frozenset(), name)
        seen += ids_of(source, page)
        assert len(seen) <= len(rows) + len(news)
    assert seen == whole(source.pool, source.fresh, feed_filter=name)


def test_without_fresh_posts_a_page_has_passed_none() -> None:
    source = Source("redis", pool_of([Row(at) for at in range(9)]))
    assert page_of(source, 4, frozenset()).passed == NONE_PASSED


def test_a_cursor_counts_no_more_fresh_posts_than_it_can_hold() -> None:
    pool, fresh = pool_of([Row(at) for at in range(40)]), pool_of(fresh_rows([5.0] * 8))
    page = page_of(Source("redis", pool, 0, fresh=fresh, passed=Passed(MOST - 1, (9.0, 0), APART)), 30, frozenset())
    assert page.passed.count == MOST
