"""What somebody probably meant by a name that does not exist."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable

MOST_SHOWN = 20


def meant(word: str, known: Iterable[str], choice: Collection[str] | None = None) -> str:
    """The nearest of the known names, else all there are, or those of ``choice``, as far as can be read; empty where
    ``choice`` is."""
    names = sorted(known)
    close = difflib.get_close_matches(word, names, n=1, cutoff=0.6)
    # A word in another case is near to a reader, but to difflib it has no letter in common.
    same = [name for name in names if name.lower() == word.lower()]
    if same or close:
        return f"did you mean {(same or close)[0]}?"
    shown = names if choice is None else sorted(choice)
    if choice is not None and not shown:
        return ""
    more = ", ..." if len(shown) > MOST_SHOWN else ""
    return f"there are {', '.join(shown[:MOST_SHOWN])}{more}" if shown else "there are none"
