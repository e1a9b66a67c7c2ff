"""What was decided: where each workload goes and why, and what moves."""

from __future__ import annotations

from decimal import Decimal

from situs.model.plan import Decision
from situs.report.page import Page
from situs.report.section import Cell, Section


def decisions(page: Page) -> Section:
    """Every workload with its place, its own cost and the dominant reason."""
    rows: list[tuple[str | Cell, ...]] = []
    for decision in page.plan.decisions:
        what = Cell(decision.workload, page.intent.workloads[decision.workload].title or "")
        why = Cell(page.t[decision.reason], _elsewhere(page, decision))
        for a in decision.assignments:
            cost = page.monthly(sum(a.costs.values(), Decimal(0)))
            units = f"{page.number(a.units)} × " if a.units > 1 else ""
            place = Cell(page.site(a.site), f"{units}{a.site}/{a.pool}, {page.t[a.basis]}")
            rows.append((what, place, page.money(cost), why))
        if decision.unplaced:
            rules = ", ".join(
                page.rule(refusal.rule, refusal.rule, refusal.anchor)[0] for refusal in decision.needs_lifting
            )
            count = f" ({page.number(decision.unplaced)})" if decision.unplaced > 1 else ""
            rows.append((what, Cell(page.t["left_out"] + count), "—", Cell(page.t[decision.reason], rules)))
    heads = (("workload", 0), ("site", 0), ("own_cost", 1), ("reason", 0))
    return page.section("decisions", page.table(heads, rows), note=page.t["decisions_text"])


def _elsewhere(page: Page, decision: Decision) -> str:
    """Rules that keep it out of other places, by how many places."""
    titles = {rule.id: rule.title for rule in page.world.policy.rules}
    entries = sorted(decision.refused.items(), key=lambda entry: (-entry[1], entry[0]))
    said = [
        page.t["refused_by"].format(rule=page.rule(rule, titles.get(rule, rule))[0], n=count)
        for rule, count in entries
    ]
    return page.t["refused"].format(rules=", ".join(said)) if said else ""


def moves(page: Page) -> Section:
    """What changes its place, and the bill of it."""
    rows = [
        (
            Cell(move.workload, page.intent.workloads[move.workload].title or ""),
            page.site(move.source),
            page.site(move.target),
            page.money(sum(move.bill.values(), Decimal(0))),
            "—" if move.saving_per_month is None else page.money(move.saving_per_month),
        )
        for move in page.plan.moves
    ]
    heads = (("workload", 0), ("from", 0), ("to", 0), ("bill", 1), ("saving", 1))
    bought = [
        page.t["one_off"].format(n=purchase.nodes, pool=f"{purchase.site}/{purchase.pool}")
        for purchase in page.plan.purchases
    ]
    months = page.world.settings.payback
    note = page.t["moves_text"].format(months=page.number(months, 0 if months == int(months) else 1))
    return page.section("moves", page.table(heads, rows), note=note, more=" ".join(bought))
