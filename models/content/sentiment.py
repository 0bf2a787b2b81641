"""The sentiment of a text in [-1, 1], from words of praise and blame in its language.

It counts words: no irony, no comparison, and a negation only up to ``REACH`` words before the negated word ("not good",
"nie gut"). A text in a language without a list, or without a listed word, has 0.
"""

from functools import lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from models.content.lexicon import BLAME, ENDINGS, NEGATORS, PRAISE

REACH = 3
DENIED = -0.75
"""Factor of a negated word: a little less than its opposite (Hutto and Gilbert, "VADER", ICWSM 2014: -0.74)."""

CLOSING = pa.array([".", "!", "?", ";", ":"])
"""Tokens that end the reach of a negation."""


@lru_cache(maxsize=1)
def _listed() -> tuple[pa.StringArray, NDArray[np.float64], NDArray[np.bool_]]:
    """All listed words as ``<language> <word>``; polarity and whether it negates, with a last entry for other words."""
    polarity: dict[str, float] = {}
    for table, value in ((PRAISE, 1.0), (BLAME, -1.0), (NEGATORS, 0.0)):
        for language, words in table.items():
            for word in words.split():
                endings = ENDINGS[language] if word.endswith("~") else ("",)
                polarity |= {f"{language} {word.removesuffix('~')}{ending}": value for ending in endings}
    negators = {f"{language} {word}" for language, words in NEGATORS.items() for word in words.split()}
    denies = np.array([*(key in negators for key in polarity), False])
    return pa.array(list(polarity)), np.array([*polarity.values(), 0.0]), denies


def sentiments(languages: pa.StringArray, tokens: pa.ListArray) -> NDArray[np.float32]:
    """Sum of the polarities of the listed words over their number plus one; ``tokens`` are in lower case.

    The plus one keeps a single word of praise at 0.5, so that a second one counts.
    """
    lengths = np.diff(tokens.offsets.to_numpy())
    rows = np.repeat(np.arange(len(lengths)), lengths)
    words = tokens.flatten()
    keys, polarity, denies = _listed()
    key = pc.binary_join_element_wise(languages.take(pa.array(rows)), words, " ")
    entry = pc.fill_null(pc.index_in(key, value_set=keys), len(keys)).to_numpy(zero_copy_only=False)
    place = np.arange(len(rows))
    begins = np.diff(rows, prepend=-1) > 0
    closes = pc.is_in(words, value_set=CLOSING).to_numpy(zero_copy_only=False)
    barrier = np.maximum.accumulate(np.where(begins | closes, place, 0))
    denial = np.maximum.accumulate(np.where(denies[entry], place, -1))
    is_denied = (denial >= barrier) & (denial >= 0) & (place - denial <= REACH) & (place > denial)
    value = polarity[entry]
    total = np.bincount(rows, np.where(is_denied, DENIED * value, value), minlength=len(lengths))
    count = np.bincount(rows, value != 0, minlength=len(lengths))
    scores: NDArray[np.float32] = (total / (count + 1)).astype(np.float32)
    return scores
