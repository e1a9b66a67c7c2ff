"""Figures that are not prices: how machines are paid for, how moves are reckoned, what is assumed where it must be.

What the estate says itself is from its files; all else is an assumption of situs, and is called one.
"""

from __future__ import annotations

from collections.abc import Iterator

from situs.economics.breakeven import Spread as Doubt
from situs.model.base import Model
from situs.model.estate import Owned, PriceBasis, Reserved, Spot
from situs.model.money import Money
from situs.model.plan import Part
from situs.planner.compile.power import WATTS_PER_CPU, WATTS_PER_GIB
from situs.report.page import Page
from situs.report.section import Cell

Row = tuple[str | Cell, ...]


def terms(page: Page, basis: PriceBasis) -> str:
    """What belongs to the price of a node: its life and upkeep, its term, how often it is taken away."""
    t = page.t
    said: list[str] = []
    if isinstance(basis, Owned):
        said.append(t["term_life"].format(months=f"{basis.life:g}"))
        said += [
            _each(page, key, getattr(basis, key))
            for key in ("residual", "maintenance")
            if getattr(basis, key)
        ]
        said += [
            _each(page, key, getattr(basis, key))
            for key in ("space", "staff", "licences")
            if getattr(basis, key)
        ]
        if basis.financing_rate:
            said.append(t["term_financing"].format(rate=page.percent(basis.financing_rate, 1)))
        if basis.busy:
            said.append(t["term_watts"].format(idle=page.number(basis.idle), busy=page.number(basis.busy)))
    elif isinstance(basis, Reserved):
        said.append(t["term_reserved"].format(months=f"{basis.term:g}"))
        said += [_each(page, "upfront", basis.upfront)] if basis.upfront else []
    elif isinstance(basis, Spot):
        said.append(t["term_spot"].format(rate=f"{basis.interruptions_per_hour:g}"))
        if "interruptions_per_hour" not in basis.model_fields_set:
            said[-1] += f" ({t['assumed']})"
    return ", ".join(said)


def _each(page: Page, key: str, money: Money) -> str:
    return page.t[f"term_{key}"].format(amount=f"{money.amount:f}", currency=money.currency)


def settings(page: Page) -> Iterator[Row]:
    """What people's time, money tied up, emissions and patience are reckoned with."""
    t, chosen = page.t, page.intent.settings
    if page.plan.moves:
        value = f"{chosen.move_hours:g} h × {chosen.staff_rate.amount:f} {chosen.staff_rate.currency}/h"
        yield _row(page, t["people"], t["each_move"], value, chosen, "move_hours", "staff_rate")
        yield _row(page, t["payback"], t["each_move"], f"{chosen.payback:g} {t['months']}", chosen, "payback")
    if Part.CARBON in page.plan.costs and chosen.carbon_price is not None:
        price = chosen.carbon_price
        value = f"{price.amount:f} {price.currency}/t"
        yield _row(page, t["carbon"], t["emissions"], value, chosen, "carbon_price")
    yield _row(
        page,
        t["discount_rate"],
        t["breakeven"],
        page.percent(chosen.discount_rate, 1),
        chosen,
        "discount_rate",
    )
    doubt = Doubt()
    value = t["doubt"].format(rent=page.percent(doubt.rent), use=page.percent(doubt.utilisation))
    yield (Cell(t["futures"], t["breakeven"]), value, _assumption(page), _day(page))


def power(page: Page) -> Iterator[Row]:
    """What rented machines draw: it counts for emissions, not for a bill."""
    rented = [
        pool.price
        for site in page.world.intent.sites.values()
        for pool in site.pools.values()
        if pool.price is not None and not isinstance(pool.price, Owned)
    ]
    if rented:
        value = Cell(f"{WATTS_PER_CPU:g} W/vCPU, {WATTS_PER_GIB:g} W/GiB", page.t["boards"])
        source = "Cloud Carbon Footprint, methodology; makers' data sheets of accelerators"
        yield (Cell(page.t["rented_power"], page.t["emissions"]), value, source, "2021")


def values(page: Page) -> Iterator[Row]:
    """What use cases are worth, and may cost."""
    for name, use_case in sorted(page.intent.use_cases.items()):
        budget = use_case.budget
        more = (
            ""
            if budget is None
            else page.t["may_cost"].format(amount=f"{budget.amount:f}", currency=budget.currency)
        )
        value = Cell(f"{use_case.value.amount:f} {use_case.value.currency}/{page.t['month']}", more)
        yield (Cell(name, page.t["value"]), value, estate_files(page), _day(page))


def estate_files(page: Page) -> str:
    """The estate's files as a source, with the mark of their content."""
    mark = page.plan.provenance.input_hash.removeprefix("sha256:")[:12]
    return f"{page.t['the_estate']} ({mark})"


def _row(page: Page, what: str, about: str, value: str, chosen: Model, *fields: str) -> Row:
    said = bool(chosen.model_fields_set & set(fields))
    return (Cell(what, about), value, estate_files(page) if said else _assumption(page), _day(page))


def _assumption(page: Page) -> str:
    return page.t["assumed_by"].format(version=page.plan.provenance.situs)


def _day(page: Page) -> str:
    """Neither the estate nor an assumption has a date of its own: they hold for the instant that was decided for."""
    return f"{page.plan.at:%Y-%m-%d}"
