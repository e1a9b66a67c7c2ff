"""What a rule costs: never less than nothing, and something where it keeps work from a cheaper place."""

from __future__ import annotations

from typing import Any

import pytest

from situs.planner.analysis import prices
from situs.planner.analysis.prices import RulePrice, rule_prices
from situs.planner.decide import Decided, decide
from tests.planner.by_hand.small import AT, FACTS, costs, estate, link, rented, service, site

SITES = {
    "a": site({"n": rented("1 EUR/h", limit=1)}),
    "b": site({"n": rented("1.1 EUR/h")}),
    "c": site({"n": rented("9 EUR/h")}),
    "low": site({"n": rented("2 EUR/h")}, clearance=0),
}
LINKS = [link(), *(link(place, "users", latency=2.0) for place in ("a", "c", "low"))]
NEAR = service(latency=[{"location": "users", "limit": 5.0}])


def priced(gap: float, **clearance: int) -> dict[str, RulePrice]:
    """``near`` has to be at a or c, ``any`` may be at b too; the rule about levels keeps both from ``low``."""
    sites = {name: {**entry, **({"clearance": clearance[name]} if name in clearance else {})}
             for name, entry in SITES.items()}  # fmt: skip
    intent = estate(sites, {"any": service(), "near": NEAR}, LINKS, locations={"users": {"country": "DE"}})
    base = decide(intent, FACTS, AT, gap=0.0)
    return {price.rule: price for price in rule_prices(base, intent, FACTS, gap=gap)}


def test_it_costs_what_the_plan_without_it_saves() -> None:
    # Without the rule nothing changes: a and b are the cheapest for both.
    assert priced(0.0)["clearance"].costs_per_month == 0
    assert priced(0.0)["clearance"].removes == 2
    # Where a is too low as well, near has to go to c: 9 instead of 1 an hour.
    assert priced(0.0, a=0)["clearance"].costs_per_month == costs(730 * 8)


def test_what_changes_nothing_is_not_decided_again(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[frozenset[str]] = []

    def counted(*args: Any, off: frozenset[str], **how: Any) -> Decided:
        asked.append(off)
        return decide(*args, off=off, **how)

    monkeypatch.setattr(prices, "decide", counted)
    # The low place lacks encryption too, so it stays refused whichever of the two rules is taken away.
    hidden = {**SITES, "low": site({"n": rented("2 EUR/h")}, clearance=0, encryption={"at_rest": False})}
    work = service(label={"level": 3}, purpose="x")
    intent = estate(hidden, {"any": work}, LINKS, locations={"users": {"country": "DE"}})
    base = decide(intent, FACTS, AT, gap=0.0)
    found = {price.rule: price.costs_per_month for price in rule_prices(base, intent, FACTS, gap=0.0)}
    assert set(found.values()) == {0}
    assert len(found) > len(asked)


@pytest.mark.parametrize("gap", [0.5, 5.0, 50.0])
def test_a_coarse_answer_does_not_let_a_rule_earn_money(gap: float) -> None:
    assert priced(gap)["clearance"].costs_per_month == 0
