"""Taking sites to be lost and into service again, as far as no person needs to say so; what is told of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection

from situs.control.force import Force
from situs.control.losses import Loss, found_again, new_losses
from situs.control.observe import Look
from situs.control.silence import Spells
from situs.sites.steady import steady
from situs.store import holds
from situs.store.events import BY, Event
from situs.store.holds import Hold
from situs.store.observations import Observation
from situs.store.runs import Run

HERE = "local"
"""Kind of site that is this machine: it is no witness of a line."""


@dataclass(frozen=True)
class Judged:
    """What is so from now on."""

    losses: Sequence[Loss] = ()
    found: str | None = None
    told: Sequence[Event] = field(default_factory=tuple)

    def __bool__(self) -> bool:
        return bool(self.losses or self.found)

    def write(self, connection: Connection) -> None:
        """Write it down."""
        for loss in self.losses:
            holds.put(connection, "lost", loss.site, BY, loss.reason, loss.after_s)
        if self.found is not None:
            holds.lift(connection, "lost", self.found, automatic=True)


class Judge:
    """Watches how long sites are silent, or answer again."""

    def __init__(self, known: Iterable[Observation]) -> None:
        self._spells = Spells({seen.site: (seen.ok, seen.spell_s) for seen in known})
        self._lost: frozenset[str] = frozenset()
        self._found_at: float | None = None
        self._cut_off = False

    def see(self, look: Look, force: Force | None) -> float:
        """Take in a look; gives how long the site was seen to be so."""
        return self._spells.see(look.sight.site, look.sight.ok, steady(), _witnesses(force))

    def decide(self, force: Force, alive: Iterable[Run], held: Sequence[Hold], now: datetime) -> Judged:
        """What has become so since the last time."""
        lost = holds.lost_by_itself(held)
        for site in self._lost - lost:
            # Whoever has said that it is not lost is not told otherwise at once.
            self._spells.begin_anew(site)
        self._lost = lost
        if not force.loss_after_s and not lost:
            return Judged()
        losses = new_losses(alive, force.loss_after_s, held, self._spells)
        told = [
            Event(now, "lost", BY, f"{loss.site} is lost: {loss.reason}", site=loss.site) for loss in losses
        ]
        found = self._found(force, held)
        if found is not None:
            text = (
                f"{found} is found: it has answered for {self._spells.steady_s(found):.0f} s without a break"
            )
            told.append(Event(now, "lost", BY, text, site=found))
        return Judged(losses, found, [*told, *self._own_cut(force, now)])

    def _found(self, force: Force, held: Sequence[Hold]) -> str | None:
        """One after another: what moves back to one is at rest before the next one counts."""
        window_s = force.kept.intent.settings.stabilisation
        if self._found_at is not None and steady() - self._found_at < window_s:
            return None
        found = found_again(held, self._spells, window_s)
        if found is not None:
            self._found_at = steady()
        return found

    def _own_cut(self, force: Force, now: datetime) -> list[Event]:
        """Tell, once, that nothing is taken to be lost while no site answers."""
        away = _witnesses(force)
        cut_off = bool(away) and all(self._spells.is_silent(site) for site in away)
        before, self._cut_off = self._cut_off, cut_off
        if not cut_off or before:
            return []
        text = "no other machine answers: it is this one that may be cut off, so no site is taken to be lost"
        return [Event(now, "lost", BY, text)]


def _witnesses(force: Force | None) -> frozenset[str]:
    sites = force.kept.intent.sites if force is not None else {}
    return frozenset(name for name, site in sites.items() if site.adapter.kind != HERE)
