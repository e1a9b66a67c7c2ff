"""What was seen at the sites so far, and which of it is worth writing down."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta

from situs.control.observe import Look
from situs.control.wanted import Sight
from situs.sites.adapter import Inventory, Key
from situs.store.observations import Observation


@dataclass
class Sightings:
    """The newest sight of each site."""

    shown_s: float
    """what stays the same is written down again after so long, to show that somebody still looks"""
    sights: dict[str, Sight] = field(default_factory=dict)
    gone: dict[Key, datetime] = field(default_factory=dict)
    """runs that were removed; sights from before still show them"""
    _inventories: dict[str, Inventory] = field(default_factory=dict)
    _shown: dict[str, Observation] = field(default_factory=dict)

    def see(self, look: Look, spell_s: float = 0.0) -> tuple[Observation | None, str | None]:
        """Take a look in; gives what is to be written down, and what is to be told.

        ``spell_s``: how long the site was seen to be so.
        """
        sight = look.sight
        before = self.sights.get(sight.site)
        self.sights[sight.site] = sight
        oldest = min(known.began for known in self.sights.values())
        self.gone = {key: at for key, at in self.gone.items() if at >= oldest}
        # A site that is not known yet is taken to answer, so that nobody is told of what is as it should be.
        told = None
        if sight.ok != (before.ok if before else True):
            told = f"{sight.site} answers" if sight.ok else f"{sight.site} does not answer: {sight.cause}"
        return self._observation(look, spell_s), told

    def _observation(self, look: Look, spell_s: float) -> Observation | None:
        sight, new = look.sight, look.inventory is not None
        if look.inventory is not None:
            self._inventories[sight.site] = look.inventory
        inventory = self._inventories.get(sight.site)
        seen = Observation(
            sight.site, sight.began, sight.ok, sight.cause, sight.next_step, look.health.clock_ahead_s,
            asdict(inventory) if inventory else None,
            {str(key): status.state for key, status in sight.runs.items()}, spell_s,
        )  # fmt: skip
        shown = self._shown.get(sight.site)
        same = shown is not None and (shown.ok, shown.cause, shown.runs) == (seen.ok, seen.cause, seen.runs)
        if shown is not None and same and not new and seen.at - shown.at < timedelta(seconds=self.shown_s):
            return None
        self._shown[sight.site] = seen
        return seen
