"""How long to wait before trying again."""

from __future__ import annotations

import zlib
from datetime import timedelta

FIRST_S = 1.0
"""Most troubles are over in a moment: a connection that broke, a site that restarts its queue."""
STEADY = timedelta(minutes=10)
"""Who ran, or was well, for so long has not failed at once again: what failed before is forgotten."""
LONGEST_S = 300.0
"""Five minutes: a site that is away for a day is asked some 300 times, and found soon after it is back."""


def delay(attempts: int, who: str) -> timedelta:
    """After so many vain attempts, from 1: doubled each time up to a cap, and spread so that not all come at once.

    The spread depends on ``who`` and the attempt alone, so that deciding twice gives the same.
    """
    longest = min(LONGEST_S, FIRST_S * 2.0 ** min(attempts - 1, 30))
    share = zlib.crc32(f"{who}/{attempts}".encode()) / 2**32
    return timedelta(seconds=longest * (0.5 + 0.5 * share))
