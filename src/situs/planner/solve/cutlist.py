"""Cuts as item lists: what the solver needs to price them and to put them into an LP."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from situs.planner.certificate import Cut
from situs.planner.problem import Floats, Ids, Ints


@dataclass(frozen=True, eq=False)
class CutList:
    """A certificate's cuts, in the order in which ``Prices.cut`` prices them."""

    cuts: tuple[Cut, ...]
    limit: Floats
    """(C,)"""
    purchase: Ints
    """(C,) -1 for none"""
    per_bought: Floats
    """(C,)"""
    cut_of: Ints
    """(items,) the cut of each item, non-decreasing"""
    column: Ids
    """(items,)"""
    weight: Floats
    """(items,)"""

    @staticmethod
    def of(cuts: tuple[Cut, ...]) -> CutList:
        """All items of these cuts, cut by cut."""
        return CutList(
            cuts,
            np.array([cut.limit for cut in cuts], dtype=np.float64),
            np.array([cut.purchase for cut in cuts], dtype=np.int64),
            np.array([cut.per_bought for cut in cuts], dtype=np.float64),
            np.repeat(np.arange(len(cuts)), [len(cut.column) for cut in cuts]),
            np.concatenate([np.empty(0, dtype=np.int32), *(cut.column for cut in cuts)]).astype(np.int32),
            np.concatenate([np.empty(0), *(cut.weight for cut in cuts)]),
        )

    def charge(self, price: Floats, columns: int) -> Floats:
        """(columns,) what one unit of each column pays for its weight in the cuts."""
        used = price[self.cut_of] > 0
        return np.bincount(
            self.column[used], self.weight[used] * price[self.cut_of[used]], minlength=columns
        ).astype(np.float64, copy=False)

    def worth(self, price: Floats, buys: int) -> Floats:
        """(buys,) what one more unit of each purchase is worth to the cuts."""
        named = self.purchase >= 0
        return np.bincount(self.purchase[named], (self.per_bought * price)[named], minlength=buys).astype(
            np.float64, copy=False
        )


NO_CUTS = CutList.of(())
