"""The smallest changes that let a site win, each checked by deciding again.

First everything that stands before the site is lifted, one obstacle after the other, each by the nearest
change; what lies behind comes to light only then.  If the site still loses, one lever at a time is turned
until it wins, and where no single one is enough, several.  At last every part that turned out not to be
needed is dropped.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from situs.model.error import InputError
from situs.model.intent import Intent
from situs.model.plan import amount
from situs.model.refusal import Refusal
from situs.planner.compile.world import World
from situs.planner.explain.edits import Edit, apply
from situs.planner.explain.levers import Lever, levers
from situs.planner.explain.lifting import lift
from situs.planner.explain.model import Change, Counterfactual
from situs.planner.explain.obstacles import blockade
from situs.planner.explain.pricing import smallest_cut
from situs.planner.explain.race import Race, race
from situs.planner.explain.smaller import SMALLER, comes_in_steps, smaller

MOST_OBSTACLES = 12
TIGHT = 1e-4
"""How exactly the size of a change is tightened, as a share of it."""
MOST_OFFERS = 3
Changes = tuple[Change, ...]

KIND_ORDER = (
    "price", "capacity", "spread", "share", "budget", "payback", "window", "latency", "data", "affinity",
    "minimum-runtime", "rule", "hardware",
)  # fmt: skip
"""Offers with equally many parts are shown in this order: what can be bargained for before what must be signed."""


@dataclass(frozen=True)
class Found:
    """Offers, smallest first, or what stands in the way of any."""

    offers: tuple[Counterfactual, ...]
    nothing_helps: Refusal | None = None


class Search:
    """Looks for counterfactuals of one workload at one site."""

    def __init__(self, world: World, base: Race, decides: Callable[[Intent], bool]) -> None:
        """``decides`` makes the whole decision again and says whether the site then has won."""
        self._world = world
        self._base = base
        self._decides = decides
        self._known: dict[str, Race] = {"": base}

    def run(self) -> Found:
        """All offers that were found."""
        lifted, in_the_way = self._lift_obstacles()
        if in_the_way is not None:
            return Found((), in_the_way)
        if self._race(lifted).won:
            return self._found([lifted])
        single = [
            (*lifted, change)
            for lever in self._levers(lifted)
            if (change := self._turned(lever, lifted)) is not None
        ]
        if single:
            return self._found(single)
        several = self._several(lifted)
        if several is None:
            return Found((), Refusal(rule="nothing-helps", details=self._names()))
        return self._found([several])

    def _names(self) -> dict[str, str]:
        return {"workload": self._base.runner.workload, "site": self._base.runner.site}

    def _intent(self, changes: Changes) -> Intent:
        return apply(self._world.intent, _edits(changes))

    def _race(self, changes: Changes) -> Race:
        key = _key(changes)
        if key not in self._known:
            self._known[key] = race(self._world, self._base.runner, self._intent(changes))
        return self._known[key]

    def _levers(self, changes: Changes) -> tuple[Lever, ...]:
        runner = self._base.runner
        return levers(self._race(changes).candidates.world, runner.workload, runner.site)

    def _lift_obstacles(self) -> tuple[Changes, Refusal | None]:
        """Changes until the workload can be at the site, or the obstacle that no change lifts."""
        runner, changes = self._base.runner, ()
        for _ in range(MOST_OBSTACLES):
            here = self._race(changes)
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

    def _turned(self, lever: Lever, before: Changes) -> Change | None:
        """The smallest size of the lever that wins, on top of other changes; None: none does."""
        if lever.prices:
            free = self._race((*before, lever.change(lever.most)))
            cut = smallest_cut(self._race(before), free)
            if cut is not None and self._wins((*before, lever.change(cut))):
                return lever.change(cut)
        size = self._smallest_size(lever, before)
        return None if size is None else lever.change(size)

    def _wins(self, changes: Changes) -> bool:
        try:
            return self._race(changes).won
        except InputError:
            # A size that the estate cannot take, such as more nodes than a pool may have.
            return False

    def _smallest_size(self, lever: Lever, before: Changes) -> float | None:
        """By doubling and halving; exact for whole sizes, to a ten-thousandth for others."""
        least = 1.0 if lever.whole else lever.most / 1024.0
        low, high = 0.0, min(least, lever.most)
        while not self._wins((*before, lever.change(high))):
            if high >= lever.most:
                return None
            low, high = high, min(high * 2.0, lever.most)
        while high - low > (1.0 if lever.whole else 1e-4 * high):
            middle = (low + high) / 2.0
            if lever.whole:
                middle = float(round(middle))
            if self._wins((*before, lever.change(middle))):
                high = middle
            else:
                low = middle
        return high

    def _several(self, lifted: Changes) -> Changes | None:
        """Levers together: each that brings the site nearer is turned to the full, until one more decides."""
        changes = lifted
        for _ in range(4):
            step = self._nearest(changes)
            if step is None:
                return None
            changes = (*changes, step)
            for lever in self._levers(changes):
                if any(_same_path(lever.change(lever.most), change) for change in changes):
                    continue
                last = self._turned(lever, changes)
                if last is not None:
                    return self._shrunk((*changes, last))
        return None

    def _nearest(self, changes: Changes) -> Change | None:
        """The lever that, turned to the full, brings the site nearest to winning."""
        best: tuple[float, Change] | None = None
        before = self._race(changes)
        for lever in self._levers(changes):
            full = lever.change(lever.most)
            if any(_same_path(full, change) for change in changes):
                continue
            lead = self._race((*changes, full)).lead
            if lead is None or (before.lead is not None and lead >= before.lead - before.margin):
                continue
            if best is None or lead < best[0]:
                best = (lead, full)
        return None if best is None else best[1]

    def _shrunk(self, changes: Changes) -> Changes:
        """Every lever turned back as far as the others allow."""
        for number in range(len(changes)):
            others = (*changes[:number], *changes[number + 1 :])
            if self._wins(others):
                return self._shrunk(others)
            for lever in self._levers(others):
                if _same_path(lever.change(lever.most), changes[number]):
                    less = self._turned(lever, others)
                    if less is not None:
                        changes = (*changes[:number], less, *changes[number + 1 :])
                    break
        return changes

    def _found(self, several: list[Changes]) -> Found:
        small = (self._tightened(self._pruned(changes)) for changes in several)
        needed = {_key(changes): changes for changes in small}
        ranked = sorted(needed.values(), key=_rank)[:MOST_OFFERS]
        offers = [self._offer(changes) for changes in ranked]
        # An offer that holds when it is checked comes before any that could not be.
        return Found(tuple(sorted(offers, key=lambda offer: not offer.checked)))

    def _pruned(self, changes: Changes) -> Changes:
        """Without the parts that are not needed."""
        for number in range(len(changes)):
            others = (*changes[:number], *changes[number + 1 :])
            if self._wins(others):
                return self._pruned(others)
        return changes

    def _tightened(self, changes: Changes) -> Changes:
        """With every part as small as the others let it be; what was set first was set without the rest."""
        for number, change in enumerate(changes):
            before, after = changes[:number], changes[number + 1 :]
            less = smaller(change)
            if comes_in_steps(change):
                while less is not None and self._wins((*before, less, *after)):
                    change, less = less, smaller(less)
            elif less is not None and self._wins((*before, less, *after)):
                change = self._least_share(change, before, after)
            changes = (*before, change, *after)
        return changes

    def _least_share(self, change: Change, before: Changes, after: Changes) -> Change:
        """The change at the smallest share of its size that wins, by halving."""
        low, high = 0.0, SMALLER
        while high - low > TIGHT:
            middle = (low + high) / 2.0
            less = smaller(change, middle)
            if less is not None and self._wins((*before, less, *after)):
                high = middle
            else:
                low = middle
        return smaller(change, high) or change

    def _offer(self, changes: Changes) -> Counterfactual:
        after = self._race(changes)
        elsewhere = self._base.elsewhere
        difference = Decimal(0)
        if after.there is not None and elsewhere is not None:
            difference = amount(after.there.cost - elsewhere.cost)
        return Counterfactual(changes=changes, checked=self._holds(changes), objective_change=difference)

    def _holds(self, changes: Changes) -> bool:
        """Decides again: the site wins with the changes, and with none of them made smaller or left out."""
        return self._decided(changes) and not any(map(self._decided, smaller_sets(changes)))

    def _decided(self, changes: Changes) -> bool:
        try:
            return self._decides(self._intent(changes))
        except InputError:
            # Half of a change may make no sense, such as accelerators of no kind; it then brings nothing.
            return False


def smaller_sets(changes: Changes) -> list[Changes]:
    """The same changes with one of them made smaller, and with one of them left out."""
    found = []
    for number, change in enumerate(changes):
        others = changes[:number], changes[number + 1 :]
        less = smaller(change)
        if less is not None:
            found.append((*others[0], less, *others[1]))
        found.append((*others[0], *others[1]))
    return found


def _edits(changes: Changes) -> tuple[Edit, ...]:
    return tuple(edit for change in changes for edit in change.edits)


def _key(changes: Changes) -> str:
    return "\n".join(edit.model_dump_json() for edit in _edits(changes))


def _same_path(one: Change, two: Change) -> bool:
    return {edit.path for edit in one.edits} == {edit.path for edit in two.edits} and one.kind == two.kind


def _rank(changes: Changes) -> tuple[int, int, float]:
    kinds = [KIND_ORDER.index(change.kind) for change in changes]
    percent = sum(float(change.details.get("percent", 0.0)) for change in changes if change.kind == "price")
    return len(changes), max(kinds), percent
