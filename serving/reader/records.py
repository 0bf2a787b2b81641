"""Between a served page and its record: what to write down, and the inputs that a record gives back."""

import base64
import hashlib
import json
import zlib
from collections.abc import Collection, Iterable
from typing import get_args

from contracts.epochs import Pool, pack_pool, unpack_pool
from contracts.page_records import PageRecord, instant, pool_fingerprint
from serving.reader.acts import BIT_OF, FIELD_OF, Acts, acts_of
from serving.reader.assembly import PageInputs, Source
from serving.reader.cards import Card
from serving.reader.merging import NONE_PASSED, Passed
from serving.reader.narrowing import Parted, unknown_to
from serving.reader.pages import FeedPage, FeedRequest
from serving.reader.selection import LEVELS, FeedFilter, Suppression
from serving.reader.values import parse_card

_POSTS_BYTES = 16


def record_of(request: FeedRequest, page: FeedPage, now: float) -> PageRecord:
    """The record of a page that was served at ``now``, in Unix seconds."""
    inputs, made = page.inputs, page.assembled
    source, pool, fresh = inputs.source, inputs.source.rows, inputs.source.fresh
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
        pool=pool_fingerprint(source.pool),
        cards=tuple(map(card_fingerprint, made.cards)),
        posts=posts_fingerprint(made.posts),
        fresh="" if fresh is None else _packed(fresh),
        fresh_cards=tuple(
            f"{card.body.decode()}}}"
            for row, card in zip(made.rows, made.cards, strict=True)
            if row >= source.pool.count
        ),
        passed=_listed(source.passed),
        knows_acts=inputs.acts is not None,
        **{FIELD_OF[act]: _posts_with(bit, inputs.acts or {}, posts) for act, bit in BIT_OF.items()},
    )


def inputs_of(record: PageRecord, pool: Pool) -> PageInputs:
    """The inputs of the recorded page, with ``pool`` as the pool that was read.

    Raises ``ValueError`` for a level or filter that this reader does not know, and for damaged fresh posts.
    """
    level = next((level for level in LEVELS if level == record.level), None)
    feed_filter = next((name for name in get_args(FeedFilter) if name == record.feed_filter), None)
    if level is None or feed_filter is None:
        raise ValueError(f"this reader knows no level {record.level!r} or no filter {record.feed_filter!r}")
    parted = Parted(_later(record.former_friends, pool), _later(record.left_groups, pool))
    return PageInputs(
        Source(level, pool, record.start, record.arm, _fresh_of(record), _passed_of(record)),
        feed_filter,
        record.count,
        Suppression(frozenset(record.blocked), frozenset(record.hidden), parted),
        frozenset(record.taken_down),
        _later(record.narrowed, pool),
        acts_of({act: getattr(record, field) for act, field in FIELD_OF.items()}) if record.knows_acts else None,
    )


def fresh_cards_of(record: PageRecord) -> dict[int, Card]:
    """The cards of the fresh posts that the page shows, by post."""
    found = {}
    for text in record.fresh_cards:
        post_id = int(json.loads(text)["id"])
        card = parse_card(text.encode(), post_id)
        assert card is not None, "a recorded card is not empty"
        found[post_id] = card
    return found


def _packed(pool: Pool) -> str:
    return base64.b64encode(pack_pool(pool.epoch, pool.generated_at, pool.owner, pool.columns)).decode()


def _fresh_of(record: PageRecord) -> Pool | None:
    return unpack_pool(base64.b64decode(record.fresh)) if record.fresh else None


def _listed(passed: Passed) -> tuple[float, ...]:
    return (passed.count, *passed.key, passed.num_since) if passed.count else ()


def _passed_of(record: PageRecord) -> Passed:
    if not record.passed:
        return NONE_PASSED
    count, rank, post_id, num_since = record.passed
    return Passed(int(count), (rank, int(post_id)), int(num_since))


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
