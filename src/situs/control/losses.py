"""Which sites are taken to be lost without a person, and which of them are in service again: pure decisions.

A workload says how long its site may be silent (``site_loss: {after: 10min}``); nothing is taken to be lost for those
that do not say.  What was lost comes back into service when it has answered for a while without a break, one site
after another, so that not everything moves back at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from situs.control.silence import Spells
from situs.store.holds import Hold, lost_by_itself
from situs.store.runs import Run


@dataclass(frozen=True)
class Loss:
    """A site is lost for all workloads that wait no longer than this."""

    site: str
    after_s: float

    @property
    def reason(self) -> str:
        """Why, for people."""
        return f"it has not answered for {self.after_s:g} s, while others do"


def new_losses(
    alive: Iterable[Run], after_s: Mapping[str, float], held: Sequence[Hold], spells: Spells
) -> list[Loss]:
    """``alive``: what may be running; ``after_s``: workload -> how long its site may be silent, of those that say."""
    longest: dict[str, float] = {}
    for run in alive:
        limit_s = after_s.get(run.workload)
        if limit_s is not None and spells.silent_s(run.site) >= limit_s:
            longest[run.site] = max(limit_s, longest.get(run.site, 0.0))
    known = {
        site: max((hold.after_s or 0.0 for hold in held if _is_automatic(hold, site)), default=-1.0)
        for site in longest
    }
    return [Loss(site, limit_s) for site, limit_s in sorted(longest.items()) if limit_s > known[site]]


def found_again(held: Sequence[Hold], spells: Spells, window_s: float) -> str | None:
    """A site that has answered for so long that it may have work again; of several the one that did for longest."""
    sites = lost_by_itself(held)
    steady = sorted((-spells.steady_s(site), site) for site in sites if spells.steady_s(site) >= window_s)
    return steady[0][1] if steady else None


def covered(held: Sequence[Hold], after_s: Mapping[str, float]) -> frozenset[tuple[str, str]]:
    """Sites that are lost without a person, with each workload that they are lost for."""
    return frozenset(
        (hold.subject, name)
        for hold in held
        if _is_automatic(hold, hold.subject)
        for name, limit_s in after_s.items()
        if limit_s <= (hold.after_s or 0.0)
    )


def _is_automatic(hold: Hold, site: str) -> bool:
    return hold.kind == "lost" and hold.subject == site and hold.after_s is not None
