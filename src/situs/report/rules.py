"""What rules cost, and what dearer prices would do."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal

from situs.model.plural import counted
from situs.planner.analysis.changes import with_price
from situs.planner.analysis.prices import rule_prices
from situs.planner.analysis.whatif import Drill, rehearse
from situs.report.page import Page
from situs.report.section import Cell, Section

DEARER = Decimal("1.3")


def prices_of_rules(page: Page) -> Section:
    """The plan without each rule, solved again."""
    rows = []
    silent = 0
    for price in rule_prices(page.decided, page.intent, page.facts):
        if not price.removes and not price.costs_per_month and not price.keeps_out:
            silent += 1
            continue
        title, anchor = page.rule(price.rule, price.title, price.anchor)
        kept_out = page.t["keeps_out"].format(names=", ".join(price.keeps_out)) if price.keeps_out else ""
        rows.append(
            (Cell(title, kept_out), anchor, page.number(price.removes), page.money(price.costs_per_month))
        )
    heads = (("rule", 0), ("anchor", 0), ("removes", 1), ("cost", 1))
    more = page.t["rules_silent"].format(n=silent) if silent else ""
    return page.section("rules", page.table(heads, rows, more=more), note=page.t["rules_text"])


def dearer(page: Page) -> Section:
    """The plan once carried out, beside the same with the prices of the dearest operator up by 30 per cent."""
    spent: dict[str, Decimal] = defaultdict(Decimal)
    for decision in page.plan.decisions:
        for a in decision.assignments:
            spent[page.intent.sites[a.site].operator] += sum(a.costs.values(), Decimal(0))
    for holding in page.plan.holdings:
        spent[page.intent.sites[holding.site].operator] += sum(holding.costs.values(), Decimal(0))
    spent.pop("self", None)
    if not spent:
        return page.section("drill")
    operator = max(sorted(spent), key=lambda name: spent[name])
    storm = rehearse(
        page.decided, page.intent, page.facts,
        Drill("dearer", lambda intent: with_price(intent, operator, DEARER)),
    )  # fmt: skip
    t = page.t
    idle = storm.cost_per_month_if_nothing_is_done
    rows = [
        (t["carried_out"], page.money(storm.cost_per_month_before)),
        (t["nothing_done"], t["impossible"] if idle is None else page.money(idle)),
        (t["planned_again"], page.money(storm.cost_per_month_after)),
    ]
    said = t["drill_moves"] if storm.moves else t["drill_stays"]
    note = counted(
        said, len(storm.moves), bill=page.about(storm.bill),
        extra=page.about(storm.cost_per_month_after - storm.cost_per_month_before),
    )  # fmt: skip
    return page.section(
        "drill", page.table((("case", 0), ("cost", 1)), rows), note=note, title=t["drill"].format(operator=operator)
    )  # fmt: skip
