"""The one reason for a decision that would settle the matter alone."""

from __future__ import annotations

from functools import cached_property
from typing import Literal

import numpy as np

from situs.planner.compile.candidates import Candidates
from situs.planner.given import Given
from situs.planner.problem import Floats, Placement
from situs.planner.usage import row_load

Reason = Literal[
    "only-place", "cheapest", "cheapest-with-data", "stays-move-does-not-pay", "held-by-minimum-runtime",
    "scarce-capacity", "no-place", "shared-constraint",
]  # fmt: skip


class Room:
    """What an option would cost on top of what a placement has: copies that are not there, nodes that are full."""

    def __init__(self, candidates: Candidates, placement: Placement) -> None:
        self._candidates = candidates
        self._placement = placement
        self._sellers = {purchase.place.index: purchase for purchase in candidates.capacity.purchases}

    @cached_property
    def _free(self) -> Floats:
        problem, placement = self._candidates.problem, self._placement
        load = row_load(problem, placement)
        buyer = np.repeat(np.arange(len(problem.buy_cost)), np.diff(problem.buy_indptr))
        np.add.at(load, problem.buy_row, -problem.buy_amount * placement.bought[buyer])
        return problem.row_capacity - load

    def data(self, column: int) -> float:
        """Copies that it would need and that are not made."""
        problem = self._candidates.problem
        needs = problem.need_open[problem.need_indptr[column] : problem.need_indptr[column + 1]]
        return float(sum(problem.open_cost[f] for f in needs if not self._placement.opened[f]))

    def nodes(self, column: int) -> float:
        """Whole nodes that would have to be added for one unit of it."""
        seller = self._sellers.get(self._candidates.options[column].place.index)
        if seller is None or self._placement.units[column]:
            return 0.0
        return seller.cost if self.lacks(column) else 0.0

    def lacks(self, column: int) -> bool:
        """Whether what is there, and not taken, is too little for one unit of it."""
        problem = self._candidates.problem
        rows = problem.target_row[problem.col_target[column]]
        # Row -1, which limits nothing, reads the endless room at the end.
        lacking = problem.demand[problem.col_variant[column]] - np.append(self._free, np.inf)[rows]
        return bool(np.any(lacking > 1e-9))


def dominant_reason(candidates: Candidates, number: int, got: Given, room: Room) -> Reason:
    """The dominant reason, in the order in which it would settle the matter alone."""
    own = candidates.options_of(number)
    if got.unplaced:
        return "scarce-capacity"
    if all(option.stays for option in own) and any(option.stays for option in own):
        return "held-by-minimum-runtime" if candidates.is_held(number) else "only-place"
    if len({(option.place.site, option.place.name) for option in own}) == 1:
        return "only-place"
    chosen = [share.option for share in got.shares]
    if not any(option.waits for option in chosen):
        own = [option for option in own if not option.waits]
    cheapest = min(option.listed_cost for option in own)
    own_cost = max(option.listed_cost for option in chosen)
    if all(option.stays for option in chosen):
        without_bill = min(option.listed_cost - option.move for option in own)
        if without_bill < own_cost - 1e-9 and own_cost <= cheapest + 1e-9:
            return "stays-move-does-not-pay"
    if own_cost <= cheapest + 1e-9:
        return "cheapest-with-data" if any(option.way.needs for option in chosen) else "cheapest"
    rivals = [
        column
        for column in candidates.columns_of(number)
        if candidates.options[column].listed_cost < own_cost
    ]
    extra = {
        column: (room.data(column), room.nodes(column))
        for column in rivals
        if chosen[0].waits or not candidates.options[column].waits
    }
    if all(
        own_cost <= candidates.options[c].listed_cost + data + nodes + 1e-9
        for c, (data, nodes) in extra.items()
    ):
        return "cheapest-with-data" if any(data for data, _ in extra.values()) else "cheapest"
    return "shared-constraint"
