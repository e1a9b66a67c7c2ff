"""From prices to a placement's whole purchases and opens, by a linear program, cuts and decisions.

::

    core ─► cuts of blocks ─► cuts of large units ─► proven decisions ─► dive ─► decided
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import numpy as np

from situs.planner.certificate import Certificate, Cut
from situs.planner.solve.block_cuts import broken_cuts
from situs.planner.solve.blocks import Decided
from situs.planner.solve.core import Core, Stuck
from situs.planner.solve.cut_lp import Point
from situs.planner.solve.frame import Frame
from situs.planner.solve.polish import Guide
from situs.planner.solve.pricing import Pricing
from situs.planner.solve.proven import Proven
from situs.planner.solve.separate import rounded
from situs.planner.solve.torn import torn

BLOCK_ROUNDS, UNIT_ROUNDS = 8, 4
WORTH_A_BLOCK_ROUND, WORTH_A_UNIT_ROUND = 1e-5, 5e-5
"""Rounds of cuts end when one raised the value by less than this share of it."""

ROWS, TABLES = 30, 12
"""Rows that are looked at for cuts of large units in a round, and weights of each whose exact limit is found."""

FRACTION = 1e-6

MOST_DECISIONS = 12
TRIED = 2
"""So many choices of each kind are tried both ways; the first that makes enough of a difference is decided."""
STEPS = 1000
"""Steps of the simplex method that a trial may take: enough to tell the better way, seldom to the end."""
WORTH_PROVING = 4e-4
"""Share of the value that a decision must make a difference of, for the other side to be proven."""

SURE = 0.1
"""As near to a whole number, a choice is rounded without a trial while diving."""


def decided_by_program(
    frame: Frame, pricing: Pricing, stop: Callable[[], bool], prove: Callable[[Certificate], None]
) -> tuple[Decided, Guide] | None:
    """All that must be whole decided; None where there is nothing of it, or where it does not hold together."""
    p = frame.problem
    if np.any(p.buy_integer) or np.any(p.buy_open >= 0):
        with suppress(Stuck):
            return Wholes(frame, pricing, stop, prove).decide()
    return None


class Wholes:
    """The way from prices to decisions; ``prove`` hears of every better certificate."""

    def __init__(
        self,
        frame: Frame,
        pricing: Pricing,
        stop: Callable[[], bool],
        prove: Callable[[Certificate], None],
    ) -> None:
        self._frame, self._pricing, self._stop, self._prove = frame, pricing, stop, prove
        self._core = Core(frame, pricing)
        self._proven = Proven(frame)

    def decide(self) -> tuple[Decided, Guide]:
        """Everything but who goes where, and what the relaxation says about that."""
        core = self._core
        core.tighten(_block_cuts, BLOCK_ROUNDS, WORTH_A_BLOCK_ROUND, self._stop, Core.complete)
        point = self._tighten()
        decisions = 0
        while decisions < MOST_DECISIONS and not self._stop() and self._take(point):
            decisions += 1
            point = self._settled(core)
        if decisions:
            point = self._tighten()
        point = self._dive(point)
        proof = core.state(point).proof
        return self._decided(point), Guide(proof.value, proof, core.cuts, point.units)

    def _tighten(self) -> Point:
        return self._core.tighten(_cuts, UNIT_ROUNDS, WORTH_A_UNIT_ROUND, self._stop, self._settled)

    def _settled(self, core: Core) -> Point:
        """The optimum, and what it proves."""
        point, state = core.settle()
        self._prove(self._proven.certificate(self._proven.leaf(state.prices, core.cuts)))
        return point

    def _take(self, point: Point) -> bool:
        """Take the first choice that makes enough of a difference, with a proof for the side not taken."""
        core = self._core
        left = torn(self._frame, point, ~self._pricing.needs.chosen_here)
        of_kind = [[each for each in left if each.what == what][:TRIED] for what in ("opened", "bought")]
        for each in of_kind[0] + of_kind[1]:
            down, up = (core.peek(each.side(high), STEPS) for high in (False, True))
            if down is None or up is None:
                continue
            high = up.value < down.value
            dearer = down if high else up
            if dearer.value - point.value >= WORTH_PROVING * abs(point.value):
                leaf = self._proven.leaf(core.state(dearer).prices, core.cuts, each.side(not high))
                # A few steps may not be enough to prove what they promise.
                if leaf.bound >= point.value:
                    self._proven.take(each.side(high), leaf)
                    core.decide(self._proven.sides)
                    return True
        core.decide(core.sides)
        return False

    def _dive(self, point: Point) -> Point:
        """Round what is still torn, bit by bit."""
        core, every_open = self._core, np.ones(self._frame.opens, dtype=bool)
        while left := torn(self._frame, point, every_open):
            sure = left if self._stop() else [each for each in left if each.off <= SURE]
            first, so_far = left[0], core.sides
            nearest, other = first.side(first.upward), first.side(not first.upward)
            for sides in ([each.side(each.upward) for each in sure], [nearest], [other]):
                core.decide((*so_far, *sides))
                found = core.possible() if sides else None
                if found is not None:
                    break
            else:
                raise Stuck
            point = found
            cuts = [] if self._stop() else _block_cuts(core, point)
            if cuts:
                core.lp.add_cuts(cuts)
                point = core.solve()
        return core.complete()

    def _decided(self, point: Point) -> Decided:
        p = self._frame.problem
        opened = point.opened > 0.5
        charged = np.where(self._pricing.needs.usable(opened), self._core.charged(point), np.inf)
        columns = np.flatnonzero(point.units > FRACTION)
        bought = np.where(p.buy_integer, np.round(point.bought), p.buy_limit)
        return Decided(bought, opened, point.prices.row, charged, columns, point.units[columns])


def _block_cuts(core: Core, point: Point) -> list[Cut]:
    return broken_cuts(core.blocks, point)


def _cuts(core: Core, point: Point) -> list[Cut]:
    """Cuts of both kinds; those of large units from the rows where most is torn apart."""
    torn_apart = []
    for n, row in enumerate(core.rows):
        units = point.units[row.column]
        off = np.abs(units - np.round(units))
        if off.max() > FRACTION:
            torn_apart.append((-float(point.prices.row[row.row] * row.amount @ off), n))
    found = []
    for _, n in sorted(torn_apart)[:ROWS]:
        found += [each.cut for each in rounded(core.rows[n], point.units, point.bought, TABLES)]
    return found + _block_cuts(core, point)
