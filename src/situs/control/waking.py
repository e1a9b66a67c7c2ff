"""Waking those who act on what is known of runs, as soon as more of it is on disk."""

from __future__ import annotations

from collections.abc import Sequence

from situs.control.recurring import Recurring
from situs.control.watcher import Watcher
from situs.store.events import Event
from situs.store.steps import Entry


class Waking(Watcher):
    """Has each take a turn when a step was written down: a run has begun, or has ended."""

    def __init__(self, work: Sequence[Recurring]) -> None:
        """``work``: may be added to later."""
        self._work = work

    def wrote(self, events: Sequence[Event], entries: Sequence[Entry]) -> None:
        """These are on disk now."""
        if entries:
            for one in self._work:
                one.soon()
