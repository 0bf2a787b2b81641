"""Post cards: checked once, then kept as the bytes that every response repeats."""

import math
from collections import OrderedDict
from dataclasses import dataclass

from contracts.epochs import REASONS

_SENTENCES: dict[str, tuple[str, str, str]] = {
    "friend_posted": ("Your friend ", "author", " posted this"),
    "page_posted": ("You follow ", "source", ""),
    "group_posted": ("Posted in your group ", "source", ""),
    "suggested_topic": ("Suggested for you, like posts you engage with", "", ""),
    "popular": ("Popular with many people", "", ""),
    "recent": ("A recent public post", "", ""),
    "ad": ("Sponsored", "", ""),
}
_UNKNOWN_REASON = ("Suggested for you", "", "")
_OVERHEAD_BYTES = 320  # the objects around a card's bytes: Card, key, two names, LRU node


@dataclass(frozen=True, slots=True)
class Card:
    """One post as it is served: ``body`` is its JSON object without the closing brace; names are JSON-escaped."""

    body: bytes
    author: str
    source: str
    is_public: bool

    @property
    def num_bytes(self) -> int:
        """Memory the card takes, roughly."""
        return len(self.body) + len(self.author) + len(self.source) + _OVERHEAD_BYTES


def render_post(
    card: Card, score: float, reason: int, propensity: float, ad_id: int | None, *, interaction: str = "null"
) -> bytes:
    """The post as one JSON object: the card plus what is particular to this user; null for no number.

    ``interaction`` is JSON: what the user did with the post.
    """
    before, name, after = _SENTENCES[REASONS[reason]] if reason < len(REASONS) else _UNKNOWN_REASON
    named = card.author if name == "author" else card.source if name == "source" else ""
    shown = f"{score:.5g}" if math.isfinite(score) else "null"
    chance = f"{propensity:.9g}" if math.isfinite(propensity) else "null"
    ranking = f',"user_interaction":{interaction},"ranking_score":{shown},"propensity":{chance}'
    sponsored = ',"is_sponsored":false,"ad_id":null}' if ad_id is None else f',"is_sponsored":true,"ad_id":"{ad_id}"}}'
    tail = f'{ranking},"reason":"{before}{named}{after}"{sponsored}'
    return card.body + tail.encode()


class CardCache:
    """Least-recently-used cards by (epoch, post), bounded by bytes."""

    def __init__(self, max_bytes: int) -> None:
        self._cards: OrderedDict[tuple[int, int], Card] = OrderedDict()
        self._max_bytes = max_bytes
        self.num_bytes = 0

    def __len__(self) -> int:
        """Number of cards kept."""
        return len(self._cards)

    def get(self, epoch: int, post_id: int) -> Card | None:
        """The card, now the most recently used, or None."""
        key = (epoch, post_id)
        card = self._cards.get(key)
        if card is not None:
            self._cards.move_to_end(key)
        return card

    def put(self, epoch: int, post_id: int, card: Card) -> None:
        """Keep ``card`` and drop the least recently used ones beyond the bound."""
        old = self._cards.pop((epoch, post_id), None)
        self.num_bytes += card.num_bytes - (old.num_bytes if old else 0)
        self._cards[epoch, post_id] = card
        while self.num_bytes > self._max_bytes:
            _, dropped = self._cards.popitem(last=False)
            self.num_bytes -= dropped.num_bytes

    def keep_epochs(self, epochs: set[int]) -> None:
        """Drop the cards of every other epoch."""
        for key in [key for key in self._cards if key[0] not in epochs]:
            self.num_bytes -= self._cards.pop(key).num_bytes
