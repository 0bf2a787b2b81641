"""The error for refused settings, which reports all problems at once."""

from collections.abc import Sequence
from difflib import get_close_matches


class SettingsError(ValueError):
    """Settings are not allowed; ``problems`` holds one sentence per problem."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        head = [] if len(problems) == 1 else [f"{len(problems)} problems with the settings"]
        super().__init__("\n".join([*head, *problems]))


def nearest(word: str, known: Sequence[str]) -> str | None:
    """The known word that is most similar to ``word``; None if none is similar.

    A key is compared within its section first, then by its name in any section, and as a whole if its section is
    unknown.
    """
    section, dot, name = word.rpartition(".")
    here = [one for one in known if one.rpartition(".")[0] == section]
    similar = get_close_matches(name, [one.rpartition(".")[2] for one in here], n=1)
    if similar:
        return f"{section}{dot}{similar[0]}"
    same = [one for one in known if one.rpartition(".")[2] == name]
    return next(iter(same or ([] if here else get_close_matches(word, known, n=1))), None)


def suggestion(word: str, known: Sequence[str]) -> str:
    """The end of a message about an unknown ``word``: the nearest known word, else all known words."""
    if similar := nearest(word, known):
        return f"did you mean {similar!r}?"
    section = word.rpartition(".")[0]
    here = [one for one in known if one.rpartition(".")[0] == section]
    return f"known are {', '.join(sorted(here or known))}"
