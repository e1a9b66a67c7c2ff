"""Did-you-mean: the known word that is closest to a mistyped one."""

from __future__ import annotations

import difflib
import heapq
import unicodedata
from collections.abc import Collection, Iterable

MOST_COMPARISONS = 100_000
"""Each takes some microseconds; a file with a million wrong names shall not take hours."""
MOST_CANDIDATES = 20
"""How many names are compared letter by letter, which is a hundred times slower."""


class Hints:
    """Finds likely fixes, and stops looking when there is too much to compare."""

    def __init__(self) -> None:
        self._left = MOST_COMPARISONS

    def likely(self, word: str, known: Collection[str]) -> str | None:
        """``did you mean X?``, or None where nothing is close."""
        self._left -= len(known)
        if self._left < 0 or len(word) > 200:
            return None
        by_case = {name.casefold(): name for name in known}
        folded = word.casefold()
        # Most slips change a few letters in one place: what is around it is the same.
        near = (
            by_case
            if len(by_case) <= MOST_CANDIDATES
            else heapq.nsmallest(MOST_CANDIDATES, by_case, key=lambda name: _between(folded, name))
        )
        close = difflib.get_close_matches(folded, list(near), n=1, cutoff=0.6)
        return f"did you mean {by_case[close[0]]}?" if close else None


def _between(one: str, two: str) -> int:
    """How many letters lie between the common beginning and the common end of two words."""
    begin = _common(one, two)
    return max(len(one), len(two)) - begin - _common(one[begin:][::-1], two[begin:][::-1])


def _common(one: str, two: str) -> int:
    """How many letters two words begin with together."""
    length = 0
    for mine, yours in zip(one, two, strict=False):
        if mine != yours:
            break
        length += 1
    return length


def did_you_mean(word: object, known: Iterable[object]) -> str | None:
    """The same for a single word."""
    return Hints().likely(str(word), [str(name) for name in known])


def strange_letter(text: str) -> str | None:
    """The first letter of a name that is not printable ASCII, by its name; None when all are."""
    for letter in text:
        if not " " <= letter <= "~":
            return f"{letter!r} ({unicodedata.name(letter, f'U+{ord(letter):04X}')})"
    return None


def shortened(text: str, longest: int = 400) -> str:
    """A text that fits into a message: the middle of what is too long is left out."""
    if len(text) <= longest:
        return text
    return f"{text[: longest - 110]} ... {text[-100:]}"
