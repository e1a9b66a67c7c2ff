"""The smallest changes that let a site win, each checked by deciding again.

First everything that stands before the site is lifted, one obstacle after the other, each by the nearest
change; what lies behind comes to light only then.  If the site still loses, one lever at a time is turned
until it wins; where no single one is enough, several; and where nothing at the site is, also those of the
places that are better today.  At last every part that turned out not to be needed is dropped.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

from situs.model.error import InputError
from situs.model.plan import amount
from situs.model.refusal import Refusal
from situs.planner.explain.edits import relative_size
from situs.planner.explain.held import WHOLE_COLUMNS, Held, Names
from situs.planner.explain.lifting import lift
from situs.planner.explain.model import Change, Counterfactual
from situs.planner.explain.race import Race
from situs.planner.explain.sizing import pruned, shrunk, tightened, turned
from situs.planner.explain.smaller import smaller_sets
from situs.planner.explain.trial import Changes, Trial, key_of, same_lever
from situs.planner.obstacles import blockade

MOST_OBSTACLES = 12
MOST_TOGETHER = 4
"""Levers that are turned together before the search gives up."""
MOST_OFFERS = 3

KIND_ORDER = (
    "price", "capacity", "spread", "share", "budget", "payback", "window", "latency", "data", "affinity",
    "minimum-runtime", "rule", "hardware", "rival",
)  # fmt: skip
"""Offers with equally many parts are shown in this order: what can be bargained for before what must be signed."""


@dataclass(frozen=True)
class Found:
    """Offers, smallest first, or what stands in the way of any."""

    offers: tuple[Counterfactual, ...]
    nothing_helps: Refusal | None = None


class Search:
    """Looks for counterfactuals of one workload at one site."""

    def __init__(self, trial: Trial) -> None:
        self._trial = trial
        self.stirred: frozenset[Names] = frozenset()
        """held classes that stirred when an offer that does not hold was decided again for the whole estate"""

    def run(self) -> Found:
        """All offers that were found."""
        lifted, in_the_way = self._lift_obstacles()
        if in_the_way is not None:
            return Found((), in_the_way)
        if self._trial.wins(lifted):
            return self._found([lifted])
        for rivals in (False, True):
            ways = (self._single, self._several, self._everything)
            found = next((found for way in ways if (found := way(lifted, rivals))), None)
            if found is not None:
                return self._found(found)
        return Found((), Refusal(rule="nothing-helps", details=self._names()))

    def _names(self) -> dict[str, str]:
        return {"workload": self._trial.runner.workload, "site": self._trial.runner.site}

    def _lift_obstacles(self) -> tuple[Changes, Refusal | None]:
        """Changes until the workload can be at the site, or the obstacle that no change lifts."""
        runner = self._trial.runner
        changes: Changes = ()
        for _ in range(MOST_OBSTACLES):
            here = self._trial.race(changes)
            if len(here.columns):
                return changes, None
            stands = blockade(here.candidates, runner.workload, runner.site)
            nearest = stands.pools[0][1] if stands.pools else ()
            obstacles = (*stands.site, *nearest)
            if not obstacles:
                return changes, Refusal(rule="nothing-helps", details=self._names())
            change = lift(here.candidates.world, runner.workload, runner.site, obstacles[0])
            if change is None:
                return changes, obstacles[0]
            changes = (*changes, change)
        return changes, Refusal(rule="too-many-obstacles", details=self._names())

    def _single(self, lifted: Changes, rivals: bool) -> list[Changes]:
        """One lever on top of what was lifted: each that is enough."""
        levers = self._trial.levers(lifted, rivals=rivals)
        enough = (turned(self._trial, lever, lifted) for lever in levers)
        return [(*lifted, change) for change in enough if change is not None]

    def _several(self, lifted: Changes, rivals: bool) -> list[Changes]:
        """Levers together: each that brings the site nearer is turned to the full, until one more decides."""
        changes = lifted
        for _ in range(MOST_TOGETHER):
            step = self._nearest(changes, rivals)
            if step is None:
                return []
            changes = (*changes, step)
            for lever in self._trial.levers(changes, rivals=rivals):
                if any(same_lever(lever.change(lever.most), change) for change in changes):
                    continue
                last = turned(self._trial, lever, changes)
                if last is not None:
                    return [shrunk(self._trial, (*changes, last))]
        return []

    def _everything(self, lifted: Changes, rivals: bool) -> list[Changes]:
        """All levers to the full, then without those that are not needed, and the rest turned back."""
        levers = self._trial.levers(lifted, rivals=rivals)
        changes = (*lifted, *(lever.change(lever.most) for lever in levers))
        return [shrunk(self._trial, changes)] if self._trial.wins(changes) else []

    def _nearest(self, changes: Changes, rivals: bool) -> Change | None:
        """The lever that, turned to the full, brings the site nearest to winning."""
        best: tuple[float, Change] | None = None
        before = self._trial.race(changes)
        for lever in self._trial.levers(changes, rivals=rivals):
            full = lever.change(lever.most)
            if any(same_lever(full, change) for change in changes):
                continue
            lead = self._trial.race((*changes, full)).lead
            if lead is None or (before.lead is not None and lead >= before.lead - before.margin):
                continue
            if best is None or lead < best[0]:
                best = (lead, full)
        return None if best is None else best[1]

    def _found(self, several: list[Changes]) -> Found:
        small = [tightened(self._trial, pruned(self._trial, changes)) for changes in several]
        needed = {key_of(changes): changes for changes in small}
        ranked = sorted(needed.values(), key=_rank)[:MOST_OFFERS]
        offers = [self._offer(changes) for changes in ranked]
        # An offer that holds when it is checked comes before any that could not be.
        return Found(tuple(sorted(offers, key=lambda offer: not offer.checked)))

    def _offer(self, changes: Changes) -> Counterfactual:
        after, before = self._trial.race(changes).there, self._trial.base.elsewhere
        difference = amount(after.cost - before.cost) if after and before else Decimal(0)
        return Counterfactual(changes=changes, checked=self._holds(changes), objective_change=difference)

    def _holds(self, changes: Changes) -> bool:
        """Decides again: the site wins with the changes, and with none of them made smaller or left out."""
        wins = self._decided(changes)
        wrong = list(filter(self._decided, smaller_sets(changes))) if wins else [changes]
        for each in wrong:
            self.stirred |= self._stirred_by(each)
        return not wrong

    def _decided(self, changes: Changes) -> bool:
        """Decides with nothing held: the site has won when no plan without it is as cheap, so not by a toss-up."""
        try:
            again = self._trial.race(changes)
        except InputError:
            # Half of a change may make no sense, such as accelerators of no kind; it then brings nothing.
            return False
        return self._whole(again).won_by_a_hair

    def _stirred_by(self, changes: Changes) -> frozenset[Names]:
        again = self._trial.race(changes)
        whole = self._whole(again)
        found = whole.there if whole.won_by_a_hair else whole.elsewhere
        return frozenset() if found is None else again.held.stirred(again.candidates, found)

    @staticmethod
    def _whole(race: Race) -> Race:
        """The race with nothing held, unless the estate is too large to be decided exactly."""
        free = len(race.candidates.options) <= WHOLE_COLUMNS and race.held.units
        return replace(race, held=Held({})) if free else race


def _rank(changes: Changes) -> tuple[int, int, float]:
    kinds = [KIND_ORDER.index(change.kind) for change in changes]
    cut = sum(relative_size(change.edits[0]) for change in changes if change.kind == "price")
    return len(changes), max(kinds), cut
