"""What it costs and how long it takes to move data over a link, free volume and price tiers included.

A link with one price is a cost per GB.  A link with free volume or tiers has a *volume row*: what is sent
takes from it, the free volume is its capacity, and more is bought; links of one operator with one price list
share it, as they share a bill.  A price that falls with volume is the least of several straight lines, each
with a fixed part; a tier is therefore a contract (an open, with the fixed part as its cost) that lets volume
be bought at the tier's price.  Whoever opens the right one pays the tiered price exactly, and opening two
never pays.
"""

from __future__ import annotations

from collections.abc import Hashable

from situs.model.estate import Link
from situs.planner.compile.assembly import Assembly
from situs.planner.compile.world import World

LARGEST_VOLUME_GB = 1e9
"""An exabyte a month over one link: more than any estate sends, and small enough to keep the arithmetic exact."""


class Transport:
    """Prices of links, and the rows and contracts of those that have tiers."""

    def __init__(self, world: World, assembly: Assembly) -> None:
        self._world = world
        self._assembly = assembly
        self._volume_rows: dict[Hashable, int] = {}

    def send(self, link: Link | None, gb: float) -> tuple[float, tuple[tuple[int, float], ...]]:
        """Cost and volume-row use of sending ``gb`` within the horizon; nothing for a place's own data."""
        if link is None or gb <= 0.0:
            return 0.0, ()
        if link.tiers or link.free_gb:
            return 0.0, ((self._volume_row(link), gb),)
        return gb * self._world.money(link.price), ()

    def about(self, link: Link | None, gb: float) -> float:
        """The cost at the list price of the first tier, for bills that are shown and for ranking."""
        if link is None:
            return 0.0
        return gb * self._world.money(link.tiers[0].price if link.tiers else link.price)

    @staticmethod
    def hours(link: Link | None, gb: float) -> float:
        """How long sending ``gb`` takes at the link's bandwidth."""
        if link is None or not link.bandwidth:
            return 0.0
        return gb * 8.0 / link.bandwidth / 3600.0

    def _volume_row(self, link: Link) -> int:
        bill = self._bill(link)
        known = self._volume_rows.get(bill)
        if known is not None:
            return known
        key: Hashable = ("volume", link.source, link.target, len(self._volume_rows))
        months = self._world.months
        row = self._volume_rows[bill] = self._assembly.row(key, link.free_gb * months)
        paid_before = 0.0
        begin = 0.0
        prices = [self._world.money(tier.price) for tier in link.tiers] or [self._world.money(link.price)]
        ends = [tier.up_to_gb for tier in link.tiers] or [None]
        for number, (price, end) in enumerate(zip(prices, ends, strict=True)):
            fixed = (paid_before - price * begin) * months
            contract = self._assembly.open(("tier", key, number), fixed) if fixed > 1e-12 else -1
            self._assembly.buy(price, LARGEST_VOLUME_GB, False, [(row, 1.0)], contract)
            if end is not None:
                # Tiers count what is paid for: the free volume comes before the first of them.
                paid_before += price * (end - begin)
                begin = end
        return row

    def _bill(self, link: Link) -> Hashable:
        """What has one free volume and one count of tiers: all that an operator sends at one price list."""
        site = self._world.intent.sites.get(link.source)
        if site is None or site.operator == "self":
            return id(link)
        return (site.operator, link.free_gb, link.price, link.tiers)
