"""What looks like an accident, and what the use cases are worth."""

from __future__ import annotations

from situs.planner.analysis.finding import Detail
from situs.planner.analysis.posture import posture
from situs.planner.analysis.usecases import ranked_use_cases
from situs.report.page import Page
from situs.report.section import Cell, Section
from situs.report.texts import EVIDENCE


def accidents(page: Page) -> Section:
    """Today's estate held against the plan."""
    found = posture(page.decided, page.intent)
    rows = [
        (
            page.t[finding.kind],
            finding.what,
            "; ".join(_said(page, detail) for detail in finding.details),
            page.money(finding.per_month) if finding.per_month else "—",
            page.money(finding.at_stake_per_month) if finding.at_stake_per_month else "—",
        )
        for finding in found.findings
    ]
    note = page.t["risks_text"].format(
        share=page.percent(found.by_design), avoidable=page.about(found.avoidable_per_month)
    )
    heads = (("finding", 0), ("what", 0), ("evidence", 0), ("cost", 1), ("stake", 1))
    return page.section("risks", page.table(heads, rows), note=note)


def _said(page: Page, detail: Detail) -> str:
    values = {
        name: value if isinstance(value, str) else _figure(page, name, value)
        for name, value in detail.values.items()
    }
    if "resource" in values:
        values["resource"] = page.t[f"resource_{values['resource']}"]
    return EVIDENCE[page.language][detail.key].format(**values)


def _figure(page: Page, name: str, value: float) -> str:
    if name == "share":
        return page.percent(value)
    return page.money(value) if name == "amount" else page.number(value)


def use_cases(page: Page) -> Section:
    """By what they are worth for what is scarce."""
    t = page.t
    rows = [
        (
            Cell(entry.title or entry.use_case, page.intent.use_cases[entry.use_case].owner or ""),
            page.money(entry.value_per_month),
            page.money(entry.cost_per_month),
            "—" if entry.value_per_scarce is None else page.number(entry.value_per_scarce, 1),
            t["yes"] if entry.dropped_at_budget else t["no"],
        )
        for entry in ranked_use_cases(page.decided)
    ]
    heads = (("use_case", 0), ("value", 1), ("own_cost", 1), ("ratio", 1), ("dropped", 0))
    return page.section("use_cases", page.table(heads, rows), note=t["use_cases_text"])
