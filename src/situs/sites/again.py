"""Asking again what is safe to ask again."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from situs.sites.adapter import Unreachable

PAUSES_S = (0.1, 1.0, 4.0)
"""Between attempts: most breaks are a lost connection, which is made anew at once."""

Answer = TypeVar("Answer")


def asked_again(attempt: Callable[[], Answer]) -> Answer:
    """What the first attempt that is answered gives. Raises Unreachable when the last one is not."""
    for pause_s in PAUSES_S:
        try:
            return attempt()
        except Unreachable:
            # Many who lost one host must not come back to it all at once.
            time.sleep(pause_s * random.uniform(0.5, 1.5))  # noqa: S311 - no secret
    return attempt()
