"""A clock that nobody sets and that goes on while the machine sleeps, for what must be over when its time is."""

from __future__ import annotations

import time

_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""Linux stops its usual one while the machine sleeps; others have no second one."""


def steady() -> float:
    """Seconds since the machine was started, or since some other instant that stays the same until it is again."""
    return time.clock_gettime(_CLOCK)
