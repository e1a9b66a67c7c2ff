"""Who is told of what a control plane does, as it does it: metrics and logs.

They are told by the thread that decides, so they must be quick; and nothing of them may stop it.
"""

from __future__ import annotations

from collections.abc import Sequence

from situs.control.acts import Done
from situs.control.observe import Look
from situs.store.events import Event
from situs.store.steps import Entry


class Watcher:
    """Somebody who is told, and here minds nothing of it."""

    def leading(self, token: int | None) -> None:
        """This process leads under a token, or no longer (None)."""

    def turned(self, seconds: float) -> None:
        """A turn was taken: so long it took to decide, to write and to hand out."""

    def looked(self, look: Look) -> None:
        """A site was looked at."""

    def stepped(self, done: Done) -> None:
        """A step at a site has come to its end."""

    def wrote(self, events: Sequence[Event], entries: Sequence[Entry]) -> None:
        """These are on disk now."""

    def said(self, text: str) -> None:
        """What the process says of itself."""


class Watchers(Watcher):
    """Several, each told of everything."""

    def __init__(self, all_of_them: Sequence[Watcher]) -> None:
        self._all = all_of_them

    def leading(self, token: int | None) -> None:
        for one in self._all:
            one.leading(token)

    def turned(self, seconds: float) -> None:
        for one in self._all:
            one.turned(seconds)

    def looked(self, look: Look) -> None:
        for one in self._all:
            one.looked(look)

    def stepped(self, done: Done) -> None:
        for one in self._all:
            one.stepped(done)

    def wrote(self, events: Sequence[Event], entries: Sequence[Entry]) -> None:
        for one in self._all:
            one.wrote(events, entries)

    def said(self, text: str) -> None:
        for one in self._all:
            one.said(text)
