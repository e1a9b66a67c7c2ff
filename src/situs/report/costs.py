"""What it costs: beside the alternatives, by part, and owning against renting."""

from __future__ import annotations

from decimal import Decimal

import numpy as np

from situs.economics.breakeven import Case
from situs.model.error import InputError
from situs.model.plan import Decision
from situs.planner.analysis.compare import Alternative
from situs.planner.analysis.ownrent import GIVEN, OwnOrRent, own_or_rent
from situs.planner.analysis.whatif import per_month
from situs.report.charts import DESK, PHONE, Bar, bars, crossing
from situs.report.page import Page
from situs.report.section import Section

HOURS_PER_MONTH = 730.0
MOST_TRIES = 6
"""Workloads that are asked whether they could be owned; the dearest come first, so more would find less."""


def alternatives(page: Page, ways: tuple[Alternative, ...]) -> Section:
    """Today, the plan, and what people do without one."""
    t = page.t
    chart = [
        Bar(
            t[way.name],
            float(way.cost_per_month),
            page.about(way.cost_per_month),
            t["without"].format(n=len(way.left_out), all=len(page.plan.decisions)) if way.left_out else "",
            way.name == "plan",
        )
        for way in ways
    ]
    rows = [
        (
            t[way.name],
            page.money(way.cost_per_month),
            f"{page.number(way.carbon_kg_per_month)} kg",
            page.percent(way.control),
            ", ".join(way.left_out) or t["none"],
        )
        for way in ways
    ]
    heads = (("way", 0), ("cost", 1), ("emissions", 1), ("control", 1), ("not_placed", 0))
    note = t["alternatives_text"] if any(way.left_out for way in ways) else ""
    drawn = [bars(chart, t["alternatives"], wide) for wide in (DESK, PHONE)]
    return page.section("alternatives", page.table(heads, rows), note=note, pictures=drawn)


def parts(page: Page) -> Section:
    """By part, to the cent. The sum is of what is shown, so that it ties on paper too."""
    t = page.t
    shown = [
        (part.value, round(page.monthly(cost), 2)) for part, cost in page.plan.costs.items() if round(cost, 2)
    ]
    total = sum((cost for _, cost in shown), Decimal(0))
    whole = round(per_month(page.plan), 2)
    rows = [(t[part], page.money(cost)) for part, cost in shown]
    if total != whole:
        rows.append((t["rounding"], page.money(whole - total)))
    rows.append((t["total"], page.money(whole)))
    return page.section("by_part", page.table((("part", 0), ("cost", 1)), rows, total=True))


def own_against_rent(page: Page) -> Section:
    """For the dearest workload that could be owned: when buying its machine is ahead of renting the like."""
    found = _dearest(page)
    if found is None:
        return page.section("breakeven")
    t, case, answer = page.t, found.case, found.answer
    months = np.arange(int(case.life_months) + 1)
    present = _present_months(case, months)
    own = case.price + present * (case.fixed_per_month + _working(case) * case.running_per_hour)
    rent = present * _working(case) * case.rent_per_hour
    note = t["breakeven_text"].format(
        workload=found.workload, n=found.own.machines, machine=found.own.name, price=page.about(case.price),
        offer=found.rent.name if found.rent.name != GIVEN else t["rent"],
        rent=page.money(case.rent_per_hour), busy=page.percent(case.utilisation),
    )  # fmt: skip
    if answer.month is not None and answer.utilisation is not None:
        note += " " + t["breakeven_month"].format(
            month=page.number(answer.month, 1), least=page.percent(answer.utilisation)
        )
    else:
        note += " " + t["breakeven_never"]
    note += " " + t["breakeven_odds"].format(
        npv=page.about(answer.npv), low=page.about(answer.npv_low), high=page.about(answer.npv_high),
        odds=page.percent(answer.probability),
    )  # fmt: skip
    mark = t["month_mark"].format(month=page.number(answer.month or 0, 1))
    drawn = [
        crossing(
            own.tolist(), rent.tolist(), (t["own"], t["rent"]), t["months"], mark, t["breakeven"],
            answer.month, page.round, wide,
        )
        for wide in (DESK, PHONE)
    ]  # fmt: skip
    rows = [
        (t[swing.assumption], page.money(swing.low), page.money(swing.high))
        for swing in answer.tornado
        if swing.low != swing.high
    ]
    table = page.table((("assumption", 0), ("fifth_lower", 1), ("fifth_higher", 1)), rows)
    more = t["rent_source"].format(source=found.rent.source) if found.rent.name != GIVEN else ""
    return page.section("breakeven", table, note=note, pictures=drawn, more=more)


def _dearest(page: Page) -> OwnOrRent | None:
    """The workload with the highest bill of its own for which there is a machine to own and an offer to rent."""

    def bill(decision: Decision) -> Decimal:
        return sum((sum(a.costs.values(), Decimal(0)) for a in decision.assignments), Decimal(0))

    tries = sorted(page.plan.decisions, key=lambda d: (-bill(d), d.workload))[:MOST_TRIES]
    for decision in tries:
        try:
            return own_or_rent(
                page.intent, page.facts, page.plan.at, decision.workload, off=page.plan.provenance.off
            )
        except InputError:
            continue
    return None


def _working(case: Case) -> float:
    return case.utilisation * HOURS_PER_MONTH


def _present_months(case: Case, months: np.ndarray) -> np.ndarray:
    """So many months of one unit of money each, at present value."""
    rate = (1.0 + case.discount_rate) ** (1.0 / 12.0) - 1.0
    return months.astype(float) if rate == 0 else (1.0 - (1.0 + rate) ** -months) / rate
