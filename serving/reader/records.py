"""Between a served page and its record: what to write down, and the inputs that a record gives back."""

import hashlib
import zlib
from collections.abc import Collection, Iterable
from typing import get_args

from contracts.epochs import Pool
from contracts.page_records import PageRecord, instant, pool_fingerprint
from serving.reader.acts import BIT_OF, FIELD_OF, Acts, acts_of
from serving.reader.assembly import PageInputs, Source
from serving.reader.cards import Card
from serving.reader.narrowing import Parted, unknown_to
from serving.reader.pages import FeedPage, FeedRequest
from serving.reader.selection import LEVELS, FeedFilter, Suppression

_POSTS_BYTES = 16


def record_of(request: FeedRequest, page: FeedPage, now: float) -> PageRecord:
    """The record of a page that was served at ``now``, in Unix seconds."""
    inputs, made = page.inputs, page.assembled
    source, pool = inputs.source, inputs.source.pool
    columns = {name: pool.columns[name].tolist() for name in ("post_id", "author_id", "source_id")}
    posts, authors = set(columns["post_id"]), set(columns["author_id"])
    parted = inputs.suppression.parted
    return PageRecord(
        at=instant(now),
        user_id=request.user_id,
        epoch=pool.epoch,
        snapshot_epoch=page.snapshot_epoch,
        level=source.level,
        arm=source.arm,
        feed_filter=inputs.feed_filter,
        count=inputs.count,
        start=source.start,
        blocked=_common(inputs.suppression.blocked, authors),
        hidden=_common(inputs.suppression.hidden, posts),
        taken_down=_common(inputs.taken_down, posts),
        narrowed=_common(unknown_to(pool.epoch, inputs.narrowed), posts),
        former_friends=_common(unknown_to(pool.epoch, parted.friends), authors),
        left_groups=_common(unknown_to(pool.epoch, parted.groups), set(columns["source_id"])),
        cardless=tuple(made.cardless),
        rows=tuple(made.rows),
        suppressed={kind: count for kind, count in made.suppressed.items() if count},
        following=made.following,
        pool=pool_fingerprint(pool),
        cards=tuple(map(card_fingerprint, made.cards)),
        posts=posts_fingerprint(made.posts),
        knows_acts=inputs.acts is not None,
        **{FIELD_OF[act]: _posts_with(bit, inputs.acts or {}, posts) for act, bit in BIT_OF.items()},
    )


def inputs_of(record: PageRecord, pool: Pool) -> PageInputs:
    """The inputs of the recorded page, with ``pool`` as the pool that was read.

    Raises ``ValueError`` for a level or filter that this reader does not know.
    """
    level = next((level for level in LEVELS if level == record.level), None)
    feed_filter = next((name for name in get_args(FeedFilter) if name == record.feed_filter), None)
    if level is None or feed_filter is None:
        raise ValueError(f"this reader knows no level {record.level!r} or no filter {record.feed_filter!r}")
    parted = Parted(_later(record.former_friends, pool), _later(record.left_groups, pool))
    return PageInputs(
        Source(level, pool, record.start, record.arm),
        feed_filter,
        record.count,
        Suppression(frozenset(record.blocked), frozenset(record.hidden), parted),
        frozenset(record.taken_down),
        _later(record.narrowed, pool),
        acts_of({act: getattr(record, field) for act, field in FIELD_OF.items()}) if record.knows_acts else None,
    )


def card_fingerprint(card: Card) -> int:
    """CRC-32 of the card as it is served."""
    return zlib.crc32(card.body)


def posts_fingerprint(posts: Collection[bytes]) -> str:
    """BLAKE2b of a page's posts, hexadecimal."""
    return hashlib.blake2b(b",".join(posts), digest_size=_POSTS_BYTES).hexdigest()


def _common(members: Collection[int], present: set[int]) -> tuple[int, ...]:
    return tuple(sorted(present.intersection(members)))


def _posts_with(bit: int, acts: Acts, present: set[int]) -> tuple[int, ...]:
    return _common([post_id for post_id, bits in acts.items() if bits & bit], present)


def _later(members: Iterable[int], pool: Pool) -> dict[int, int]:
    """Members with an epoch that makes the pool older than what is known of them."""
    return dict.fromkeys(members, pool.epoch + 1)
