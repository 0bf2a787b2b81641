"""What every answer of a reader must keep to, whatever fails meanwhile. Pure functions of answers and the truth.

- No error: 200, or 400 for a cursor whose epoch is no longer served.
- One whole audited epoch: all posts are of the content of one epoch, which was recorded as built and flipped to before
  the answer. They stand in the order of the pool, and none is missing but those that may be withheld.
- Nothing withheld is shown. Redis tells suppression at once; the memory of a reader must know it ``known_at``.
- A reader never goes back: the epochs of its first pages follow the flips, and only a rollback flips to an older one.
"""

import bisect
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from math import inf

from tests.faults.rounds.answers import Answer
from tests.faults.rounds.content import USERS, is_public, pool_of, public_pool

OK, BAD_REQUEST = 200, 400
MEMORY_LEVELS = ("popular", "chronological")
EXPIRED = "cursor expired"
_REMEMBERED = 2_000


@dataclass(frozen=True)
class Withheld:
    """Posts that a user (None: nobody) may not see from ``since`` until ``until``; they may be missing since ``begun``.

    From ``known_at`` on, a reader must know it without asking Redis. ``is_hide``: it knows the posts that a user has
    hidden from that user's last request only.
    """

    user: int | None
    posts: frozenset[int]
    since: float
    until: float = inf
    known_at: float = inf
    is_hide: bool = False
    begun: float = 0.0


@dataclass(frozen=True)
class Flip:
    """A flip of the pointer that took place, or may have; ``published_at`` orders them."""

    published_at: int
    epoch: int
    began_at: float


@dataclass
class Truth:
    """What is true: the content of every epoch that was recorded as built, the flips, what is withheld from whom."""

    contents: dict[int, int] = field(default_factory=dict)
    flips: list[Flip] = field(default_factory=list)
    withheld: list[Withheld] = field(default_factory=list)

    def of_user(self, user: int) -> list[Withheld]:
        return [one for one in self.withheld if one.user in (None, user)]


class Oracle:
    """Judges the answers of one reader, in the order in which they came."""

    def __init__(self, truth: Truth) -> None:
        self.truth = truth
        self._answered: list[float] = []
        self._places: list[int] = []
        self._last_known: dict[int, Answer] = {}

    def judge(self, answers: Iterable[Answer]) -> list[str]:
        """A sentence for each rule that an answer breaks."""
        broken = []
        self.truth.flips.sort(key=lambda flip: flip.published_at)
        for answer in sorted(answers, key=lambda one: one.answered_at):
            broken += [f"{sentence}: {_shown(answer)}" for sentence in self._broken(answer)]
        return broken

    def _broken(self, answer: Answer) -> list[str]:
        if answer.status == BAD_REQUEST and answer.before is not None and answer.detail == EXPIRED:
            return []
        if answer.status != OK:
            return [f"status {answer.status} {answer.detail}"]
        content = self.truth.contents.get(answer.epoch)
        if content is None:
            return [f"epoch {answer.epoch} was never recorded as built"]
        if any(one != content for one in answer.contents):
            return [f"cards of contents {answer.contents} in epoch {answer.epoch}, which has {content}"]
        withheld = self.truth.of_user(answer.user)
        pool = pool_at(answer.level, content, answer.user)
        found = [self._went_back(answer)] if answer.before is None else [repeated(answer)]
        found += [page_problem(pool, answer, _may_be_missing(withheld, answer)), self._leak(withheld, answer)]
        if answer.level == "redis":
            self._last_known[answer.user] = answer
        return [sentence for sentence in found if sentence]

    def _went_back(self, answer: Answer) -> str:
        """Each answer is of a flip that is not before the flip of any answer that had come when it was asked for."""
        last = bisect.bisect_left(self._answered, answer.sent_at) - 1
        floor = self._places[last] if last >= 0 else 0
        flips = self.truth.flips
        place = next((at for at in range(floor, len(flips)) if flips[at].epoch == answer.epoch), None)
        if place is None or flips[place].began_at > answer.answered_at:
            was = flips[floor].epoch if floor < len(flips) else None
            return f"epoch {answer.epoch} after epoch {was}, without a flip to it since"
        self._answered.append(max([answer.answered_at, *self._answered[-1:]]))
        self._places.append(max([place, *self._places[-1:]]))
        del self._answered[:-_REMEMBERED], self._places[:-_REMEMBERED]
        return ""

    def _leak(self, withheld: Sequence[Withheld], answer: Answer) -> str:
        for one in withheld:
            shown = one.posts.intersection(answer.posts)
            if shown and self._must_be_known(one, answer):
                return f"posts {sorted(shown)} are shown, which user {answer.user} may not see"
        return ""

    def _must_be_known(self, one: Withheld, answer: Answer) -> bool:
        if not one.since <= answer.sent_at or one.until <= answer.answered_at:
            return False
        if answer.level not in MEMORY_LEVELS:
            return True
        if one.is_hide:
            last = self._last_known.get(answer.user)
            return last is not None and one.since < last.sent_at and last.answered_at <= answer.sent_at
        return one.known_at <= answer.sent_at


def pool_at(level: str, content: int, user: int) -> tuple[int, ...]:
    """The posts that a level has for the user, best first."""
    if level in MEMORY_LEVELS:
        return public_pool(content, level)
    if user not in USERS:
        return ()
    own = pool_of(content, user)
    return own if level == "redis" else tuple(post for post in own if is_public(post))


def page_problem(pool: Sequence[int], answer: Answer, may_be_missing: Callable[[int], bool]) -> str:
    """What is wrong with a page of ``pool``, if anything.

    A later page goes on after the page before, or begins anew where that was of another pool.
    """
    begins = [0]
    if answer.before and set(answer.before) <= set(pool):
        begins.insert(0, pool.index(answer.before[-1]) + 1)
    problems = [_problem_from(pool[begin:], answer, may_be_missing) for begin in begins]
    return problems[0] if all(problems) else ""


def _problem_from(pool: Sequence[int], answer: Answer, may_be_missing: Callable[[int], bool]) -> str:
    at = 0
    for post in pool:
        if at == len(answer.posts):
            if at < answer.count and not may_be_missing(post):
                return f"post {post} is missing at the end"
        elif post == answer.posts[at]:
            at += 1
        elif not may_be_missing(post):
            return f"post {post} is missing before post {answer.posts[at]}"
    if at < len(answer.posts):
        return f"post {answer.posts[at]} is not at its place in the pool of level {answer.level}"
    return ""


def repeated(answer: Answer) -> str:
    """A page shows no post of the page before, unless Redis failed in between and public posts came instead."""
    again = set(answer.before or ()) & set(answer.posts) if answer.level == "redis" else set()
    return f"posts {sorted(again)} are on two pages" if again else ""


def _may_be_missing(withheld: Sequence[Withheld], answer: Answer) -> Callable[[int], bool]:
    """Whether a post may be left out: what is known of it lately. Memory keeps what ended for a while."""
    posts: frozenset[int] = frozenset()
    for one in withheld:
        if one.begun <= answer.answered_at:
            posts |= one.posts
    return posts.__contains__


def _shown(answer: Answer) -> str:
    page = "first page" if answer.before is None else "next page"
    return (
        f"{page} of user {answer.user}, epoch {answer.epoch} from {answer.level or 'nowhere'}, "
        f"{len(answer.posts)} posts, {answer.took_ms:.0f} ms"
    )
