"""What runs now, and what it has cost so far: for those who look again and again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from situs.control.views import Standing, overview
from situs.model.amount import Exact
from situs.store import usage
from situs.store.database import Database

ALIVE: tuple[Standing, ...] = ("running", "unhealthy", "starting", "ending", "unknown")


@dataclass(frozen=True)
class Running:
    """One unit that runs, or may."""

    workload: str
    unit: int
    standing: Standing
    site: str | None
    pool: str | None
    for_s: float
    cost: Exact
    """of all its runs, by the ledger"""
    currency: str | None


def running(database: Database) -> Sequence[Running]:
    """All units that run now, the dearest first."""
    seen = overview(database)
    found = []
    with database.read() as connection:
        for unit in (unit for unit in seen.units if unit.standing in ALIVE):
            lines = [line for line in usage.lines(connection, unit.workload) if line.unit == unit.unit]
            for_s = (seen.at - unit.since).total_seconds() if unit.since else 0.0
            found.append(
                Running(
                    unit.workload, unit.unit, unit.standing, unit.site, unit.pool, for_s,
                    sum((line.amount for line in lines), Decimal(0)), lines[-1].currency if lines else None,
                )
            )  # fmt: skip
    return sorted(found, key=lambda each: (-each.cost, -each.for_s, each.workload, each.unit))
