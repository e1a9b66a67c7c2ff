"""Which link leads from one place to another, when links may name ``*`` for all the rest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from situs.model.estate import Link

ANY = "*"


class Network:
    """Resolves links; the more specific one wins: both ends named, then source, then target, then neither."""

    def __init__(self, links: Iterable[Link]) -> None:
        self._links: dict[tuple[str, str], Link] = {}
        for link in links:
            self._links.setdefault((link.source, link.target), link)
            if link.both_ways:
                self._links.setdefault((link.target, link.source), link)

    def link(self, source: str, target: str) -> Link | None:
        """The link from ``source`` to ``target``, or None where there is no path. A place needs none to itself."""
        for ends in ((source, target), (source, ANY), (ANY, target), (ANY, ANY)):
            if ends in self._links:
                return self._links[ends]
        return None

    def own(self, source: str) -> Mapping[str, Link]:
        """Links by their target that name ``source``, or are the way back of one that does."""
        return {target: link for (begin, target), link in self._links.items() if begin == source}
