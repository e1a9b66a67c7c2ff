"""Own or rent: when buying pays, how sure that is, and what it hangs on."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

HOURS_PER_MONTH = 730.0


@dataclass(frozen=True)
class Case:
    """One machine to own against one to rent; all money in one currency."""

    price: float
    """to buy it"""
    running_per_hour: float
    """electricity and upkeep of the own machine while it works"""
    rent_per_hour: float
    utilisation: float = 1.0
    """fraction of all hours that it works; rented machines are paid only for those"""
    fixed_per_month: float = 0.0
    """space, staff, licences and maintenance of the own machine, whether it works or not"""
    life_months: float = 60.0
    residual: float = 0.0
    discount_rate: float = 0.0
    """per year"""


@dataclass(frozen=True)
class BreakEven:
    """The answer."""

    hours: float | None
    """working hours after which buying was cheaper; None: never"""
    month: float | None
    """the same in months at the utilisation; None: not within the machine's life"""
    utilisation: float | None
    """the least at which buying pays within the life; None: not even at full use"""
    npv: float
    """present value of buying instead of renting over the life"""
    probability: float
    """that it pays, when rent and utilisation spread"""
    tornado: tuple[Swing, ...]
    """what the present value hangs on, largest swing first"""


@dataclass(frozen=True)
class Swing:
    """The present value when one assumption is a fifth lower or higher."""

    assumption: str
    low: float
    high: float


RENT_SPREAD = 0.25
"""Standard deviation of the logarithm of the rent over a machine's life: list prices of accelerators have
halved within two years and have also stood still for three."""
UTILISATION_SPREAD = 0.15
"""Standard deviation of utilisation, cut to 0..1."""
DRAWS = 20_000
SWING = 0.2


def break_even(case: Case, *, seed: int = 0) -> BreakEven:
    """When owning beats renting. Deterministic for a seed."""
    saved_per_hour = case.rent_per_hour - case.running_per_hour
    working = case.utilisation * HOURS_PER_MONTH
    saved_per_month = saved_per_hour * working - case.fixed_per_month
    hours: float | None = None
    if case.fixed_per_month == 0.0:
        hours = case.price / saved_per_hour if saved_per_hour > 0 else None
    elif saved_per_month > 0:
        hours = case.price / saved_per_month * working
    month = hours / working if hours is not None and working > 0 else None
    rng = np.random.default_rng(seed)
    rents = case.rent_per_hour * np.exp(rng.normal(-(RENT_SPREAD**2) / 2, RENT_SPREAD, DRAWS))
    uses = np.clip(rng.normal(case.utilisation, UTILISATION_SPREAD, DRAWS), 0.0, 1.0)
    return BreakEven(
        hours=hours,
        month=month if month is not None and month <= case.life_months else None,
        utilisation=_least_utilisation(case),
        npv=npv(case),
        probability=float(np.mean(_npvs(case, rents, uses) > 0)),
        tornado=_tornado(case),
    )


def npv(case: Case) -> float:
    """Present value of buying instead of renting, over the life."""
    return float(_npvs(case, np.asarray([case.rent_per_hour]), np.asarray([case.utilisation]))[0])


def _npvs(case: Case, rents: np.ndarray, utilisations: np.ndarray) -> np.ndarray:
    saved = (rents - case.running_per_hour) * utilisations * HOURS_PER_MONTH - case.fixed_per_month
    monthly = (1.0 + case.discount_rate) ** (1.0 / 12.0) - 1.0
    months = case.life_months
    annuity = months if monthly == 0 else (1.0 - (1.0 + monthly) ** -months) / monthly
    return np.asarray(saved * annuity + case.residual * (1.0 + monthly) ** -months - case.price)


def _least_utilisation(case: Case) -> float | None:
    """Where the present value is zero; it rises in a straight line with utilisation."""
    at_none, at_full = npv(replace(case, utilisation=0.0)), npv(replace(case, utilisation=1.0))
    if at_full < 0 or at_full <= at_none:
        return None
    return max(0.0, -at_none / (at_full - at_none))


def _tornado(case: Case) -> tuple[Swing, ...]:
    swings = []
    for name in (
        "price",
        "rent_per_hour",
        "running_per_hour",
        "utilisation",
        "fixed_per_month",
        "life_months",
        "residual",
        "discount_rate",
    ):
        value = getattr(case, name)
        if value == 0:
            continue
        high = min(1.0, value * (1 + SWING)) if name == "utilisation" else value * (1 + SWING)
        swings.append(
            Swing(name, npv(replace(case, **{name: value * (1 - SWING)})), npv(replace(case, **{name: high})))
        )
    return tuple(sorted(swings, key=lambda s: (-abs(s.high - s.low), s.assumption)))
