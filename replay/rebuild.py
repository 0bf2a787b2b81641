"""Rebuild one recorded page from a pool and cards of the lake, and name the inputs that differ."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from contracts.epochs import Pool
from contracts.page_records import PageRecord, pool_fingerprint
from contracts.redis_keys import BLOCK, HIDDEN, TAKEDOWN
from replay.differences import Difference
from serving.reader.assembly import Assembled, assemble_from
from serving.reader.cards import Card
from serving.reader.records import card_fingerprint, fresh_cards_of, inputs_of, posts_fingerprint


@dataclass(frozen=True)
class Rebuilt:
    """A rebuilt page; ``page`` is None where there is no pool. Without ``differences`` it is the served one.

    ``not_in_effect`` is suppression that was published with the epoch and that the reader did not have, in words.
    """

    record: PageRecord
    page: Assembled | None
    differences: tuple[Difference, ...]
    not_in_effect: tuple[str, ...] = ()


def rebuild(
    record: PageRecord, pool: Pool | None, cards: Mapping[int, Card], written: Collection[tuple[str, int]] = ()
) -> Rebuilt:
    """Assemble the page as the reader does, and compare it with its record, which has its fresh posts and their cards.

    ``cards`` are those of the pool's posts, by post; ``written`` is suppression of the user as in ``EpochInputs``.
    Raises ``ValueError`` for a record of an unknown level or filter.
    """
    whose = f"the {record.level} pool" if record.level in ("popular", "chronological") else "the user's pool"
    if pool is None:
        return Rebuilt(record, None, (Difference("pool", f"the lake has no rows of {whose} in epoch {record.epoch}"),))
    inputs = inputs_of(record, pool)
    posts: list[int] = inputs.source.rows.columns["post_id"].tolist()
    lacking = {posts[row] for row in record.cardless if row < len(posts)}
    cards = {**cards, **fresh_cards_of(record)}
    page = assemble_from(inputs, lambda post: None if post in lacking else cards.get(post))
    if pool_fingerprint(pool) != record.pool:
        arm = f"; the page shows the pool of arm {record.arm}, which no table has" if record.arm else ""
        what = f"{whose} in epoch {record.epoch} had another fingerprint when it was served{arm}"
        return Rebuilt(record, page, (Difference("pool", what),))
    found = [*_other_cards(record, posts, cards), *_other_rows(record, page)]
    if not found and posts_fingerprint(page.posts) != record.posts:
        found.append(Difference("code", "every input is the same and the posts' bytes are not: the reader has changed"))
    return Rebuilt(record, page, tuple(found), tuple(_not_in_effect(record, pool, written)))


def _other_cards(record: PageRecord, posts: list[int], cards: Mapping[int, Card]) -> Iterator[Difference]:
    for row, fingerprint in zip(record.rows, record.cards, strict=True):
        card = cards.get(posts[row])
        if card is None:
            yield Difference("card", f"the lake has no card of post {posts[row]}, which was shown")
        elif card_fingerprint(card) != fingerprint:
            yield Difference("card", f"the card of post {posts[row]} was another one when it was served")


def _not_in_effect(record: PageRecord, pool: Pool, written: Collection[tuple[str, int]]) -> Iterator[str]:
    posts, authors = (set(pool.columns[name].tolist()) for name in ("post_id", "author_id"))
    meets = {BLOCK.name: authors, HIDDEN.name: posts, TAKEDOWN.name: posts}
    had = {BLOCK.name: record.blocked, HIDDEN.name: record.hidden, TAKEDOWN.name: record.taken_down}
    for kind, member in sorted(written):
        if member in meets[kind] and member not in had[kind]:
            yield f"{kind} {member} was published with epoch {record.epoch} and not in effect: lifted since, or lost"


def _other_rows(record: PageRecord, page: Assembled) -> Iterator[Difference]:
    kinds = sorted(record.suppressed.keys() | {kind for kind, count in page.suppressed.items() if count})
    differs = False
    for kind in kinds:
        then, now = record.suppressed.get(kind, 0), page.suppressed.get(kind, 0)
        if then != now:
            differs = True
            yield Difference("suppression", f"{kind} withheld {then} posts of the pool, the record's entries {now}")
    if not differs and (tuple(page.rows), page.following) != (record.rows, record.following):
        yield Difference("selection", "other posts of the same pool: filter, count or start of the record differ")
