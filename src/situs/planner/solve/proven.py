"""Decisions that are proven: for each, the side not taken costs too much, and prices say so.

Together they are a tree with one long branch: a certificate of the whole.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from situs.planner.certificate import Certificate, Cut, Prices, Split
from situs.planner.solve.bound import Box, priced
from situs.planner.solve.cases import Side, case
from situs.planner.solve.cutlist import CutList
from situs.planner.solve.frame import Frame


@dataclass(frozen=True, eq=False)
class Leaf:
    """What prices prove in one case."""

    prices: Prices
    cuts: tuple[Cut, ...]
    bound: float


class Proven:
    """The sides taken, and for each the leaf of the side not taken."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self.sides: tuple[Side, ...] = ()
        self._left: list[Leaf] = []

    def leaf(self, prices: Prices, cuts: CutList, *further: Side) -> Leaf:
        """What prices prove where the sides taken, and ``further`` ones, hold."""
        sides = (*self.sides, *further)
        box = case(self._frame, sides) if sides else Box.whole(self._frame)
        bound = np.inf if box is None else priced(self._frame, prices, box, cuts).value
        return Leaf(prices, cuts.cuts, float(bound))

    def take(self, side: Side, other: Leaf) -> None:
        """Take a side; ``other`` is what the side not taken costs at least."""
        self.sides += (side,)
        self._left.append(other)

    def certificate(self, last: Leaf) -> Certificate:
        """The whole, when ``last`` is what is left proves."""
        leaves = [*self._left, last]
        number: dict[int, int] = {}
        cuts: list[Cut] = []
        for leaf in leaves:
            for cut in leaf.cuts:
                if number.setdefault(id(cut), len(cuts)) == len(cuts):
                    cuts.append(cut)
        tree: Split | int = len(leaves) - 1
        for n in range(len(self.sides) - 1, -1, -1):
            side = self.sides[n]
            low, high = (n, tree) if side.high else (tree, n)
            tree = Split(side.what, side.index, side.value, low, high)
        return Certificate(
            min(leaf.bound for leaf in leaves),
            tuple(_renumbered(leaf, number, len(cuts)) for leaf in leaves),
            tree,
            tuple(cuts),
        )


def _renumbered(leaf: Leaf, number: dict[int, int], cuts: int) -> Prices:
    """The leaf's prices with all cuts in the numbering of the certificate."""
    p, price = leaf.prices, np.zeros(cuts)
    price[[number[id(cut)] for cut in leaf.cuts]] = p.cut
    return Prices(p.row, p.need_class, p.need_open, p.need_price, p.buy, price)
