"""Own or rent: when buying pays, how sure that is, and what it hangs on.

Money that is saved later counts less: the month of break-even is the one in which the savings, at their
present value, have paid for the machine.  At a discount rate of zero that is the plain division that price
comparisons publish.
"""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Annotated

import numpy as np
import numpy.typing as npt
from pydantic import Field

from situs.model.base import Model
from situs.model.quantity import HOURS_PER_MONTH

Floats = npt.NDArray[np.float64]
NotNegative = Annotated[float, Field(ge=0.0)]

DRAWS = 20_000
"""Enough that the probability is good to half a percent, and a hundredth of a second of work."""
SWING = 0.2
NO_RATE = 1e-18
"""A monthly rate below this changes no digit of a sum over any life, but is too small to divide by exactly."""


class Case(Model):
    """One machine, or a set of them, to own against one to rent; all money in one currency."""

    price: NotNegative
    """to buy it"""
    running_per_hour: NotNegative
    """electricity and upkeep of the own machine while it works"""
    rent_per_hour: NotNegative
    utilisation: Annotated[float, Field(ge=0.0, le=1.0)] = 1.0
    """fraction of all hours that it works; rented machines are paid only for those"""
    fixed_per_month: NotNegative = 0.0
    """space, staff, licences and maintenance of the own machine, whether it works or not"""
    life_months: Annotated[float, Field(gt=0.0)] = 60.0
    residual: NotNegative = 0.0
    """what it brings at the end of its life"""
    discount_rate: NotNegative = 0.0
    """per year"""


class Spread(Model):
    """How far the two least certain assumptions may be off over a machine's life."""

    rent: NotNegative = 0.25
    """standard deviation of the logarithm of the rent: list prices of accelerators have halved within two
    years and have also stood still for three"""
    utilisation: NotNegative = 0.2
    """standard deviation as a fraction of the utilisation itself, cut to 0..1: what is hardly used is not
    busy by chance"""


class Swing(Model):
    """The present value when one assumption is a fifth lower or higher."""

    assumption: str
    """a field of the case"""
    low: Decimal
    high: Decimal


class BreakEven(Model):
    """The answer; money in the case's currency."""

    hours: float | None
    """working hours after which buying was cheaper; None: never"""
    month: float | None
    """the same in months at the utilisation; None: not within the machine's life"""
    utilisation: float | None
    """the least at which buying pays within the life; None: not even at full use"""
    npv: Decimal
    """present value of buying instead of renting over the life"""
    npv_low: Decimal
    """the tenth part of all draws is below"""
    npv_high: Decimal
    """the tenth part of all draws is above"""
    probability: float
    """that it pays, when rent and utilisation spread"""
    tornado: tuple[Swing, ...]
    """what the present value hangs on, largest swing first"""


def break_even(case: Case, *, spread: Spread | None = None, seed: int = 0) -> BreakEven:
    """When owning beats renting. Deterministic for a seed."""
    hours, month = _payback(case)
    drawn = _drawn(case, spread or Spread(), seed)
    low, high = np.quantile(drawn, [0.1, 0.9])
    return BreakEven(
        hours=hours,
        month=month,
        utilisation=_least_utilisation(case),
        npv=_money(npv(case)),
        npv_low=_money(low),
        npv_high=_money(high),
        probability=float(np.mean(drawn > 0)),
        tornado=_tornado(case),
    )


def npv(case: Case) -> float:
    """Present value of buying instead of renting, over the life."""
    return float(_npvs(case, np.asarray([case.rent_per_hour]), np.asarray([case.utilisation]))[0])


def _npvs(case: Case, rents: Floats, utilisations: Floats) -> Floats:
    saved = (rents - case.running_per_hour) * utilisations * HOURS_PER_MONTH - case.fixed_per_month
    rate = _monthly_rate(case)
    months = case.life_months
    # expm1 and log1p keep all digits when the rate is next to nothing.
    discount = math.log1p(rate) * months
    annuity = months if rate == 0 else -math.expm1(-discount) / rate
    return np.asarray(saved * annuity + case.residual * math.exp(-discount) - case.price)


def _monthly_rate(case: Case) -> float:
    rate = math.expm1(math.log1p(case.discount_rate) / 12.0)
    return rate if rate >= NO_RATE else 0.0


def _payback(case: Case) -> tuple[float | None, float | None]:
    """Working hours and months until the savings have paid for the machine."""
    saved_per_hour = case.rent_per_hour - case.running_per_hour
    working = case.utilisation * HOURS_PER_MONTH
    saved = saved_per_hour * working - case.fixed_per_month
    rate = _monthly_rate(case)
    month: float | None = None
    if saved > 0:
        months_of_savings = case.price / saved
        if rate == 0:
            month = months_of_savings
        elif months_of_savings * rate < 1:
            month = -math.log1p(-months_of_savings * rate) / math.log1p(rate)
    hours = None if month is None else month * working
    if case.fixed_per_month == rate == 0:
        # Nothing is lost while it waits, so the hours do not depend on how they are spread over time.
        hours = case.price / saved_per_hour if saved_per_hour > 0 else None
    if hours is not None and not math.isfinite(hours):
        hours = None
    if month is not None and month <= case.life_months:
        return hours, month
    # What it brings at the end may still make up for it, but only at the end.
    return hours, case.life_months if npv(case) >= 0 else None


def _drawn(case: Case, spread: Spread, seed: int) -> Floats:
    """Present values under random rents (of unchanged mean) and utilisations."""
    rng = np.random.default_rng(seed)
    rents = case.rent_per_hour * np.exp(rng.normal(-(spread.rent**2) / 2, spread.rent, DRAWS))
    uses = np.clip(case.utilisation * rng.normal(1.0, spread.utilisation, DRAWS), 0.0, 1.0)
    return _npvs(case, rents, uses)


def _least_utilisation(case: Case) -> float | None:
    """Where the present value is zero; it rises in a straight line with utilisation."""
    at_none = npv(case.model_copy(update={"utilisation": 0.0}))
    at_full = npv(case.model_copy(update={"utilisation": 1.0}))
    if at_none >= 0:
        return 0.0
    if at_full < 0:
        return None
    return at_none / (at_none - at_full)


def _tornado(case: Case) -> tuple[Swing, ...]:
    swings = []
    for name in Case.model_fields:
        value = getattr(case, name)
        if value == 0:
            continue
        high = min(1.0, value * (1 + SWING)) if name == "utilisation" else value * (1 + SWING)
        low, up = (npv(case.model_copy(update={name: v})) for v in (value * (1 - SWING), high))
        swings.append(Swing(assumption=name, low=_money(low), high=_money(up)))
    return tuple(sorted(swings, key=lambda s: (-abs(s.high - s.low), s.assumption)))


def _money(value: float) -> Decimal:
    return Decimal(str(round(float(value), 2))) + Decimal(0)
