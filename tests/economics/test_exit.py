"""What leaving costs: tiers by hand, commitments by date, and the bill of a workload that a plan placed."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from situs.cli.main import app
from situs.economics.exit import ExitCost, lock_in, remaining_commitment, sending_cost
from situs.facts import load
from situs.intent.loader import loads
from situs.model.estate import Link, OnDemand, Owned, Reserved, Tier
from situs.model.money import GbPrice, HourPrice, Money
from situs.planner.analysis.exits import WorkloadExit, exits
from situs.planner.analysis.pareto import pareto
from situs.planner.decide import decide

FACTS = load()
AT = datetime(2026, 6, 1, tzinfo=UTC)


def _gb(price: str) -> GbPrice:
    return GbPrice(amount=Decimal(price), currency="EUR")


TIERED = Link.model_validate(
    {
        "from": "a",
        "to": "b",
        "free_gb": 100,
        "tiers": (
            Tier(up_to_gb=10_000, price=_gb("0.09")),
            Tier(up_to_gb=50_000, price=_gb("0.085")),
            Tier(price=_gb("0.05")),
        ),
    }
)


@pytest.mark.parametrize(
    ("gb", "cost"),
    [
        (0, "0"),
        (100, "0"),
        (1_100, "90"),
        (10_100, "900"),
        (20_100, "1750"),  # 10,000 × 0.09 + 10,000 × 0.085
        (60_100, "4800"),  # 900 + 40,000 × 0.085 + 10,000 × 0.05
    ],
)
def test_egress_at_the_tiers(gb: float, cost: str) -> None:
    assert sending_cost(TIERED, gb, "EUR", FACTS, AT) == Decimal(cost)


def test_egress_at_one_price_and_at_none() -> None:
    flat = Link.model_validate({"from": "a", "to": "b", "price": _gb("0.02"), "free_gb": 10})
    assert sending_cost(flat, 110, "EUR", FACTS, AT) == 2
    assert sending_cost(None, 110, "EUR", FACTS, AT) == 0
    assert sending_cost(Link.model_validate({"from": "a", "to": "b"}), 110, "EUR", FACTS, AT) == 0


@given(st.floats(0, 1e6), st.floats(0, 1e6))
def test_more_data_never_cost_less(one: float, more: float) -> None:
    first, second = (sending_cost(TIERED, gb, "EUR", FACTS, AT) for gb in (one, one + more))
    assert first <= second <= first + Decimal("0.09") * Decimal(str(more)) + Decimal("1e-6")


def test_commitments_by_hand() -> None:
    hour = HourPrice(amount=Decimal("0.5"), currency="EUR")
    assert remaining_commitment(OnDemand(price=hour), "EUR", FACTS, AT) == 0
    assert remaining_commitment(None, "EUR", FACTS, AT) == 0
    assert remaining_commitment(Reserved(price=hour, term=12), "EUR", FACTS, AT) == 4380  # 0.5 × 730 × 12
    new = Owned(
        price=Money(amount=Decimal(12_000), currency="EUR"),
        residual=Money(amount=Decimal(2_000), currency="EUR"),
        life=48,
    )
    assert remaining_commitment(new, "EUR", FACTS, AT) == 10_000
    # 730 hours a month: 17,520 hours before are 24 of its 48 months.
    half = new.model_copy(update={"purchase_date": datetime(2024, 6, 1, tzinfo=UTC)})
    assert remaining_commitment(half, "EUR", FACTS, AT) == 5_000
    old = new.model_copy(update={"purchase_date": datetime(2019, 6, 1, tzinfo=UTC)})
    assert remaining_commitment(old, "EUR", FACTS, AT) == 0


def test_lock_in_is_half_where_leaving_costs_a_year() -> None:
    assert lock_in(ExitCost(people=Decimal(1200)), Decimal(100)) == 0.5
    assert lock_in(ExitCost(), Decimal(100)) == 0.0
    assert lock_in(ExitCost(people=Decimal(1)), Decimal(0)) == 1.0


@given(
    st.decimals(min_value=0, max_value=10**6, places=2),
    st.decimals(min_value=0, max_value=10**6, places=2),
    st.decimals(min_value=0, max_value=10**6, places=2),
)
def test_lock_in_stays_between_0_and_1_and_rises_with_the_bill(
    people: Decimal, egress: Decimal, month: Decimal
) -> None:
    one, both = ExitCost(people=people), ExitCost(people=people, egress=egress)
    assert both.total == people + egress
    assert 0 <= lock_in(one, month) <= lock_in(both, month) <= 1


ESTATE = """
settings: {at: 2026-06-01, staff_rate: 100 EUR/h}
sites:
  cloud:
    kind: public
    operator: hoster
    country: DE
    clearance: 3
    exit_effort: 20h
    pools:
      hourly: {node: {cpu: 8, memory: 64GiB}, price: {basis: on_demand, price: 0.50 EUR/h}, limit: 9}
  hall:
    kind: on_prem
    country: DE
    clearance: 3
    pools:
      box:
        node: {cpu: 8, memory: 64GiB}
        count: 1
        price: {basis: owned, price: 9600 EUR, life: 48 months, purchase_date: 2026-06-01}
links:
  - from: cloud
    to: hall
    bandwidth: 8Gbit/s
    free_gb: 100
    tiers: [{up_to_gb: 1000, price: 0.09 EUR/GB}, {price: 0.05 EUR/GB}]
  - {from: hall, to: cloud, price: 0 EUR/GB}
datasets:
  corpus: {size_gb: 2050, replicas: [cloud], may_leave: false, label: {level: 1}}
  shared: {size_gb: 5000, replicas: [cloud, hall], min_copies: 2, label: {level: 1}}
workloads:
  train:
    stage: train
    label: {level: 1}
    shapes: [{cpu: 8, memory: 32GiB}]
    inputs: [{dataset: corpus, remote: false}, {dataset: shared}]
    state_gb: 50
    downtime_cost: 7200 EUR
    job: {work: 73h, per_month: 10}
  small:
    stage: serve
    label: {level: 1}
    shapes: [{cpu: 2, memory: 16GiB}]
    service: {requests_per_s: 1}
rules:
  at-home: {title: small stays at home, applies_to: {name: [small]}, only_at: {name: [hall]}}
"""


def _exits(text: str = ESTATE) -> dict[str, WorkloadExit]:
    intent = loads(text).intent
    return {entry.workload: entry for entry in exits(decide(intent, FACTS, intent.settings.at or AT))}


def test_the_bill_of_a_workload_part_by_part() -> None:
    train = _exits()["train"]
    assert (train.site, train.operator, train.leaving.way_out) == ("cloud", "hoster", "hall")
    # Of the shared data there is a copy elsewhere; the corpus and its own state have to come along.
    assert train.leaving.gb == 2100
    cost = train.leaving.cost
    assert cost.egress == 140  # 100 free, 1,000 × 0.09, 1,000 × 0.05
    assert cost.people == 2000  # 20 h × 100
    assert cost.commitment == 0
    assert cost.downtime == 100  # 50 GB at 8 Gbit/s are 50 s of 7,200 an hour
    assert train.leaving.total == 2240
    assert train.lock_in == pytest.approx(2240 / (2240 + 12 * float(train.per_month)), abs=1e-6)


def test_an_own_machine_binds_by_what_is_not_written_off() -> None:
    small = _exits()["small"]
    assert small.site == "hall"
    # a quarter of a node of 9,600
    assert small.leaving.cost.commitment == 2400
    # a quarter of 9,600 / 48 a month, so leaving costs what four years of staying do
    assert small.per_month == 50
    assert small.lock_in == pytest.approx(0.8)
    assert small.leaving.cost.people == small.leaving.cost.egress == 0


def test_the_strongest_lock_in_comes_first(tmp_path: Path) -> None:
    (tmp_path / "estate.yaml").write_text(ESTATE)
    shown = CliRunner().invoke(app, ["exit", "-C", str(tmp_path), "--json"])
    assert shown.exit_code == 0, shown.output
    found = json.loads(shown.stdout)
    assert [entry["lock_in"] for entry in found] == sorted((e["lock_in"] for e in found), reverse=True)
    assert {entry["workload"] for entry in found} == {"train", "small"}
    table = CliRunner(env={"SITUS_LANG": "de", "COLUMNS": "200"}).invoke(app, ["exit", "-C", str(tmp_path)])
    assert "Abhängigkeit" in table.output and "2,240" in table.output


CHOICE = """
settings: {at: 2026-06-01, staff_rate: 100 EUR/h}
sites:
  sticky:
    {kind: public, operator: s, country: DE, clearance: 3, exit_effort: 40h, pools: {p: &p {
      node: {cpu: 8, memory: 64GiB}, price: {basis: on_demand, price: 0.40 EUR/h}, limit: 9}}}
  loose:
    kind: public
    operator: l
    country: DE
    clearance: 3
    pools: {p: {node: {cpu: 8, memory: 64GiB}, price: {basis: on_demand, price: 0.50 EUR/h}, limit: 9}}
workloads:
  web: {stage: serve, label: {level: 1}, shapes: [{cpu: 8, memory: 32GiB}], service: {requests_per_s: 1}}
""".replace("&p ", "")


def test_leaving_is_an_axis_against_cost() -> None:
    intent = loads(CHOICE).intent
    points = pareto(decide(intent, FACTS, intent.settings.at or AT), ("cost", "exit"))
    found = [(point.plan.decision("web").assignments[0].site, point.exit_cost) for point in points]
    assert found == [("sticky", 4000), ("loose", 0)]
    assert points[0].cost_per_month < points[1].cost_per_month
