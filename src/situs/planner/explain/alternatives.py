"""What else there is: every other site with its best option, and the one reason why it was not taken."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Literal

import numpy as np

from situs.model.plan import amount
from situs.model.refusal import Refusal
from situs.planner.compile.candidates import Option
from situs.planner.decide import Decided
from situs.planner.dominant import Room
from situs.planner.explain.columns import chosen_columns, rows_taken
from situs.planner.explain.model import RankedAlternative
from situs.planner.obstacles import HARDWARE, blockade
from situs.planner.problem import Floats
from situs.planner.solve.bound import priced
from situs.planner.solve.frame import Frame

Reason = Literal[
    "cost", "rule", "capacity", "no-pool", "minimum-runtime", "window", "affinity", "move-bill", "data", "budget",
    "limit", "nodes", "as-good",
]  # fmt: skip


def alternatives(decided: Decided, workload: str) -> Iterator[RankedAlternative]:
    """Every other site, best first: those it may have by their list price, then those it may not."""
    able, unable = [], []
    chosen = {assignment.site for assignment in decided.plan.decision(workload).assignments}
    offers = _Offers(decided, workload)
    for site in decided.candidates.world.site_names:
        if site in chosen:
            continue
        if offers.at(site):
            able.append(offers.best(site))
        else:
            refusal = blockade(decided.candidates, workload, site).all[0]
            unable.append(RankedAlternative(site=site, reason=_kind(refusal), refusal=refusal))
    yield from sorted(able, key=lambda a: (a.extra_cost or Decimal(0), a.site))
    yield from sorted(unable, key=lambda a: (a.reason, a.site))


class _Offers:
    """What the sites offer to one workload, beside what it has."""

    def __init__(self, decided: Decided, workload: str) -> None:
        candidates = decided.candidates
        self._decided = decided
        self._columns = candidates.columns_of(candidates.class_of(workload))
        self._reduced = _reduced_costs(decided) if len(self._columns) else np.zeros(0)
        # For what was left out there is no place to compare with: costs then stand as they are.
        own = chosen_columns(decided, workload)
        self._price = max((candidates.options[column].listed_cost for column in own), default=0.0)
        self._left_out = not len(own)
        self._room = Room(candidates, decided.solution.placement)

    def at(self, site: str) -> list[int]:
        """Columns at a site."""
        options = self._decided.candidates.options
        return [column for column in self._columns if options[column].place.site == site]

    def best(self, site: str) -> RankedAlternative:
        """The cheapest option at a site where there is one, by list prices."""
        options = self._decided.candidates.options
        columns = self.at(site)
        cheapest = min(columns, key=lambda column: options[column].listed_cost)
        least = min(float(self._reduced[column]) for column in columns)
        return RankedAlternative(
            site=site,
            pool=options[cheapest].place.name,
            extra_cost=amount(options[cheapest].listed_cost - self._price),
            at_least=amount(max(0.0, least)),
            reason=self._reason(options[cheapest], cheapest),
        )

    def _reason(self, option: Option, column: int) -> Reason:
        """Why an option that is allowed was not taken."""
        dearer = option.listed_cost > self._price + 1e-9
        if dearer and not self._left_out:
            return "move-bill" if option.listed_cost - option.move <= self._price + 1e-9 else "cost"
        copies, nodes = self._room.data(column), self._room.nodes(column)
        if not dearer and option.listed_cost + copies + nodes > self._price + 1e-9:
            return "data" if copies >= nodes else "nodes"
        scarce = _scarce(self._decided, column)
        if scarce & {"pool", "storage"}:
            return "capacity"
        if "budget" in scarce:
            return "budget"
        if scarce & {"spread", "concentration"}:
            return "limit"
        if self._room.lacks(column):
            return "capacity"
        return "cost" if dearer else "as-good"


def _reduced_costs(decided: Decided) -> Floats:
    """What each column costs at the solver's prices over the best of its class: a lower bound of its extra cost."""
    frame = Frame(decided.candidates.problem)
    answer = priced(frame, decided.solution.prices)
    return np.asarray(answer.reduced - answer.least[frame.cls])


def _scarce(decided: Decided, column: int) -> set[str]:
    """Kinds of limits that the column takes from and that have a price."""
    prices = decided.solution.prices.row
    return {
        str(name[0])
        for row in rows_taken(decided, np.asarray([column]))
        if prices[row] > 1e-9 and isinstance(name := decided.candidates.rows[row], tuple)
    }


def _kind(refusal: Refusal) -> Reason:
    """The kind of an obstacle."""
    if refusal.rule in HARDWARE or refusal.rule == "no-pool":
        return "no-pool"
    known: dict[str, Reason] = {
        "data-reach": "data",
        "window": "window",
        "window-after": "window",
        "after": "window",
        "not-yet": "window",
        "minimum-runtime": "minimum-runtime",
        "cooldown": "minimum-runtime",
        "fail-back": "minimum-runtime",
        "own-budget": "budget",
    }
    return known.get(refusal.rule, "rule")
