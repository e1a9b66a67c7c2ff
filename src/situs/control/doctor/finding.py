"""One thing that was looked at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Level = Literal["ok", "hint", "warning", "error"]
"""``error``: something cannot work; ``warning``: it works, and may not for long or not for everyone; ``hint``: it
works, and more could be had"""


@dataclass(frozen=True)
class Finding:
    """How it is; the words for it belong to whoever shows it."""

    check: str
    """what was looked at and found, such as ``site-clock``: the key of its words"""
    level: Level
    subject: str
    """the site, file or part it is about"""
    values: Mapping[str, str | float] = field(default_factory=dict)
    """what its words are filled with"""
    cause: str | None = None
    """in the words of whoever said it; None: the check's own words tell all"""
    next_step: str | None = None
    """as ``cause``"""
