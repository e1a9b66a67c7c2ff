"""Waiting for the end of a run at a site that can only be asked again and again."""

from __future__ import annotations

import time
from collections.abc import Callable

from situs.sites.adapter import Status


def awaited(status: Callable[[], Status], timeout_s: float, pause_s: float, longest_pause_s: float) -> Status:
    """Where a run is once it has ended, or after ``timeout_s``; the pauses between questions grow."""
    deadline = time.monotonic() + timeout_s
    while (seen := status()).alive and time.monotonic() < deadline:
        time.sleep(min(pause_s, max(deadline - time.monotonic(), 0.0)))
        pause_s = min(pause_s * 1.5, longest_pause_s)
    return seen
