"""A plan after a plan: nothing goes elsewhere unless that pays."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from situs.model.intent import Intent
from situs.model.plan import Plan
from situs.model.workload import Current
from situs.planner.analysis.drill import combined
from situs.planner.analysis.whatif import rehearse
from situs.planner.decide import decide
from situs.store.records import Records
from situs.store.replay import replay
from tests.planner.by_hand.small import (
    AT,
    FACTS,
    costs,
    estate,
    places,
    planned,
    rented,
    service,
    site,
    where,
)

LATER = AT + timedelta(days=10)


def _estate(price_at_a: str, price_at_b: str, *more: str) -> Intent:
    sites = {
        "a": site({"n": rented(f"{price_at_a} EUR/h", limit=2)}),
        "b": site({"n": rented(f"{price_at_b} EUR/h")}),
    }
    work = {name: service(title=name) for name in ("u", "v", "w", *more)}
    return estate(sites, work)


@pytest.fixture(scope="module")
def first() -> Plan:
    """Two at a, where there is room for two, and one at b."""
    return planned(_estate("1", "1.01"))


def test_what_is_new_finds_a_place_and_the_rest_stays(first: Plan) -> None:
    # b is cheaper now, but by 7.30 EUR a month only, and a move costs 25 a month for half a year.
    plan = planned(_estate("1", "0.99", "x"), LATER, parent=first)
    assert {name: where(plan)[name] for name in "uvw"} == where(first)
    assert where(plan)["x"] == "b/n"
    assert not plan.moves
    assert plan.parent == first.id


def test_it_moves_when_that_pays(first: Plan) -> None:
    plan = planned(_estate("1", "0.9", "x"), LATER, parent=first)
    assert set(where(plan).values()) == {"b/n"}
    assert len(plan.moves) == 2


def test_a_plan_that_was_not_carried_out_yet_costs_nothing_to_change(first: Plan) -> None:
    plan = planned(_estate("1", "0.99"), AT, parent=first)
    assert set(where(plan).values()) == {"b/n"}
    assert not plan.moves


def test_what_moved_stays_through_the_cool_down_however_often_is_planned(first: Plan) -> None:
    moved = planned(_estate("1", "0.9"), LATER, parent=first)
    back = _estate("0.5", "0.9")
    stays = [d.workload for d in moved.decisions if d.assignments[0].moved == LATER]
    plan = moved
    for hours in (24, 48, 71):
        plan = planned(back, LATER + timedelta(hours=hours), parent=plan)
        assert all(where(plan)[name] == "b/n" for name in stays), hours
    plan = planned(back, LATER + timedelta(hours=72), parent=plan)
    assert all(plan.decision(name).reason != "held-by-minimum-runtime" for name in stays)


def _shared(price_at_b: str) -> Intent:
    """Room for two at a, so that three units stand in two places."""
    sites = {
        "a": site({"n": rented("1 EUR/h", limit=2)}, operator="one"),
        "b": site({"n": rented(f"{price_at_b} EUR/h")}, operator="two"),
    }
    return estate(sites, {"w": service(count=3)})


def test_units_in_two_places_stay_in_both() -> None:
    before = planned(_shared("1.01"))
    assert places(before.decision("w")) == {"a/n": 2, "b/n": 1}
    cheaper = planned(_shared("0.99"), LATER, parent=before)
    assert places(cheaper.decision("w")) == {"a/n": 2, "b/n": 1}
    assert not cheaper.moves
    cheap = planned(_shared("0.9"), LATER, parent=before)
    # Two go to b, and one is there.
    assert places(cheap.decision("w")) == {"b/n": 3}
    assert [(m.units, m.source, m.target) for m in cheap.moves] == [(2, "a", "b")]


def test_a_drill_leaves_units_in_two_places_where_they_are() -> None:
    intent = _shared("1.1")
    base = decide(intent, FACTS, AT, gap=0.0)
    dearer = rehearse(base, intent, FACTS, combined(price={"one": Decimal("1.05")}), gap=0.0)
    assert dearer.cost_per_month_if_nothing_is_done == costs(730 * (2 * 1.05 + 1.1))
    # Going to b would cost 36.50 a month more.
    assert (dearer.moves, dearer.cost_per_month_after) == ((), costs(730 * (2 * 1.05 + 1.1)))
    down = rehearse(base, intent, FACTS, combined(site_down=["a"]), gap=0.0)
    assert down.cost_per_month_if_nothing_is_done is None
    assert down.newly_left_out == ()


def test_what_the_files_say_is_stronger(first: Plan) -> None:
    intent = _estate("1", "1.01")
    at_a = next(name for name, place in where(first).items() if place == "a/n")
    told = intent.workloads[at_a].model_copy(update={"current": Current(site="b", pool="n")})
    changed = intent.model_copy(update={"workloads": {**intent.workloads, at_a: told}})
    plan = planned(changed, LATER, parent=first)
    # It is at b, and going back to a would save 7.30 EUR a month only.
    assert where(plan)[at_a] == "b/n"


def test_within_the_gap_nothing_is_shuffled(first: Plan) -> None:
    # At the same instant moves are free; the plan before is 0.7 % dearer, which is good enough here.
    plan = decide(_estate("1", "0.99"), FACTS, AT, gap=0.02, parent=first).plan
    assert where(plan) == where(first)
    assert plan.gap <= 0.02


def test_a_plan_after_a_plan_is_replayed_byte_for_byte(tmp_path: Path, first: Plan) -> None:
    records = Records(tmp_path)
    records.save(first, _estate("1", "1.01"), FACTS)
    intent = _estate("1", "0.9", "x")
    plan = planned(intent, LATER, parent=first)
    records.save(plan, intent, FACTS)
    assert replay(records, plan, FACTS).same
