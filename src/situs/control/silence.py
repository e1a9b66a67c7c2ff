"""How long each site has answered, or has not, as far as this control plane could tell: the clock of site loss.

Time counts against a site only while somebody asks and another site answers.  A control plane that was down, frozen
or cut off itself learns nothing about its sites, and must not take all of them to be lost when it comes back.  This
machine is no witness: it answers whatever is cut.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

LONGEST_GAP_S = 60.0
"""Between two looks: an answer is waited for half a minute at most, so more means that nobody looked."""


@dataclass
class Spell:
    """How a site is, and for how long it was seen to be so."""

    ok: bool
    seconds: float
    seen_at: float | None = None
    """by this machine's steady clock; None: before this process began"""


class Spells:
    """Of all sites. They go on from where an earlier control plane has written them down."""

    def __init__(self, known: Mapping[str, tuple[bool, float]]) -> None:
        """``known``: site -> whether it answered, and for how many seconds it was seen to be so."""
        self._spells = {site: Spell(ok, seconds) for site, (ok, seconds) in known.items()}

    def see(self, site: str, ok: bool, at: float, witnesses: Collection[str]) -> float:
        """Take in a look; gives how long the site was seen to be so. ``witnesses``: sites that are not this machine."""
        spell = self._spells.get(site)
        if spell is None or spell.ok != ok:
            spell = self._spells[site] = Spell(ok, 0.0)
        elif spell.seen_at is not None and (ok or self.is_witnessed(site, at, witnesses)):
            spell.seconds += min(at - spell.seen_at, LONGEST_GAP_S)
        spell.seen_at = at
        return spell.seconds

    def is_witnessed(self, site: str, at: float, witnesses: Collection[str]) -> bool:
        """Whether another site has answered of late, so that it is not this control plane that is cut off."""
        return any(
            other != site
            and self._spells[other].ok
            and at - (self._spells[other].seen_at or 0.0) <= LONGEST_GAP_S
            for other in witnesses
            if other in self._spells and self._spells[other].seen_at is not None
        )

    def begin_anew(self, site: str) -> None:
        """Somebody knows better: count from now on."""
        if site in self._spells:
            self._spells[site].seconds = 0.0

    def is_silent(self, site: str) -> bool:
        """Whether it was seen not to answer, by this process."""
        spell = self._spells.get(site)
        return spell is not None and not spell.ok and spell.seen_at is not None

    def silent_s(self, site: str) -> float:
        """For how long it was seen not to answer; 0 for one that does, or that nobody has seen yet."""
        return self._spells[site].seconds if self.is_silent(site) else 0.0

    def steady_s(self, site: str) -> float:
        """For how long it was seen to answer, without a break."""
        spell = self._spells.get(site)
        return spell.seconds if spell is not None and spell.ok else 0.0
