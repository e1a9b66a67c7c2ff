"""Where one run goes, why, and what that costs: as it is told to people and programs, here and over the network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from situs.control.data.missing import Missing, missing
from situs.model.amount import Exact
from situs.model.plan import Fit
from situs.model.refusal import Refusal
from situs.planner.single import Placed
from situs.sites.registry import Rented, rented


@dataclass(frozen=True)
class RefusedAt:
    """Why it may not or cannot be at a site."""

    site: str
    refusal: Refusal


@dataclass(frozen=True)
class ForeseenRun:
    """Where one goes, or why nowhere."""

    name: str
    fit: Fit
    site: str | None
    pool: str | None
    reason: str
    """why there, as the planner has it"""
    currency: str
    per_hour: Exact | None
    estimate: Exact | None
    """for as long as it is likely to take; None where nobody said how long"""
    hours: float | None
    """that"""
    later: str | None
    """site where it would be if all were free; None: it has a place now, or never"""
    rents: Rented | None
    """machine that is rented for it"""
    full: Sequence[tuple[str, str]]
    """(site, pool) that would do and have no room now"""
    refused: Sequence[RefusedAt]
    missing: Sequence[Missing] = ()
    """data that it reads there, which nobody has brought yet"""


def foreseen_run(name: str, placed: Placed, hours: float | None, folder: Path) -> ForeseenRun:
    """What was decided.

    ``hours``: how long it is likely to take, where somebody said; ``folder``: that of the sites' data.
    """
    decision, later = placed.decision, placed.later
    at = decision.assignments[0] if decision.assignments else None
    cost = sum(at.costs.values(), Decimal(0)) if at is not None else None
    per_hour = None
    if at is not None and cost is not None:
        per_hour = cost / Decimal(str(at.hours)) if at.hours else Decimal(0)
    return ForeseenRun(
        name, placed.fit, at.site if at else None, at.pool if at else None, decision.reason, placed.plan.currency,
        per_hour, cost if hours else None, hours or None,
        later.assignments[0].site if later is not None and later.assignments else None,
        rented(placed.intent.sites[at.site], at.pool) if at else None, tuple(placed.full),
        [RefusedAt(site, refusal) for site, refusal in placed.refusals.items()],
        tuple(missing(folder, at, placed.plan.replicas)) if at else (),
    )  # fmt: skip
