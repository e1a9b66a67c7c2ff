"""One more workload beside all that is placed: by the planner's own rules and costs, and with what room is left."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from situs.facts import load
from situs.intent import load as load_folder
from situs.intent import loads
from situs.model.estate import Node, Pool
from situs.model.intent import Intent
from situs.model.plan import Fit
from situs.model.workload import Shape, Workload
from situs.planner.decide import decide
from situs.planner.single import Placed, Taken, has_room, place

AT = datetime(2026, 11, 1, tzinfo=UTC)
FACTS = load()
ESTATE = """
sites:
  cellar:
    kind: on_prem
    country: DE
    clearance: 4
    encryption: {at_rest: true, in_transit: true, in_use: true}
    key_custody: held_your_own
    operator_country: DE
    parent_country: DE
    administrators: {employer: self, countries: [DE]}
    pools:
      old: {node: {cpu: 8, memory: 32GiB, accelerators: 1, accelerator_memory: 16GiB}, accelerator: T4, count: 2,
            price: {basis: owned, price: 0 EUR}}
  cloud:
    kind: public
    country: US
    clearance: 1
    pools:
      new: {node: {cpu: 8, memory: 32GiB, accelerators: 1, accelerator_memory: 80GiB}, accelerator: H100,
            price: {basis: on_demand, price: 3 EUR/h}}
datasets:
  public: {size_gb: 1, label: {level: 0}, replicas: [cellar]}
  patients: {size_gb: 1, label: {level: 4, jurisdictions: [DE]}, replicas: [cellar]}
  derived: {size_gb: 1, replicas: [cellar]}
workloads:
  maker: {stage: prepare, job: {work: 1h}, inputs: [{dataset: patients}], outputs: [{dataset: derived}]}
links: [{from: cellar, to: cloud, both_ways: true, bandwidth: 10 Gbit/s, latency: 20ms}]
"""


def estate() -> Intent:
    return loads(ESTATE).intent


def work(data: str | None = None, **shape: object) -> Workload:
    return Workload.model_validate(
        {
            "stage": "train", "job": {"work": "1h"}, "label": {"level": 0},
            "shapes": [{"cpu": 2, "memory": "4GiB", "accelerators": 1, **shape}],
            "inputs": [{"dataset": data}] if data else [],
        }
    )  # fmt: skip


def put(workload: Workload, *taken: tuple[str, str, Taken], closed: tuple[str, ...] = ()) -> Placed:
    by_pool: dict[tuple[str, str], list[Taken]] = {}
    for site, pool, what in taken:
        by_pool.setdefault((site, pool), []).append(what)
    return place(estate(), FACTS, AT, "mine", workload, by_pool, closed=closed)


GPU = Shape(cpu=1, memory=1, accelerators=1)


def test_what_is_free_and_paid_for_is_taken_first() -> None:
    placed = put(work("public"))
    assert (placed.fit, placed.decision.assignments[0].site) == (Fit.NOW, "cellar")
    assert placed.full == ()
    assert [decision.workload for decision in placed.plan.decisions] == ["mine"]


def test_what_others_have_is_not_given_away() -> None:
    placed = put(work("public"), ("cellar", "old", Taken(GPU, 2)))
    assert placed.full == (("cellar", "old"),)
    assert placed.decision.assignments[0].site == "cloud"
    assert put(work("public"), ("cellar", "old", Taken(GPU, 1))).decision.assignments[0].site == "cellar"


@pytest.mark.parametrize("data", ["patients", "derived"])
def test_rules_come_before_room(data: str) -> None:
    placed = put(work(data), ("cellar", "old", Taken(GPU, 2)))
    assert placed.fit is Fit.AT
    assert placed.decision.assignments == ()
    assert placed.later is not None
    assert placed.later.assignments[0].site == "cellar"
    assert (
        put(work(data)).decision.refused
        == put(work(data), ("cellar", "old", Taken(GPU, 2))).decision.refused
        != {}
    )


def test_a_site_that_is_closed_gets_nothing() -> None:
    assert put(work("public"), closed=("cellar", "nowhere")).decision.assignments[0].site == "cloud"
    assert put(work("patients"), closed=("cellar",)).fit is Fit.AT


def test_what_fits_nowhere_never_fits() -> None:
    placed = put(work("public", accelerator=["H200"]))
    assert (placed.fit, placed.later) == (Fit.NEVER, None)
    assert placed.decision.needs_lifting


@settings(max_examples=200, deadline=None)
@given(
    st.integers(1, 3),
    st.lists(
        st.tuples(st.integers(1, 8), st.integers(1, 16), st.integers(0, 2), st.integers(1, 3)), max_size=5
    ),
    st.tuples(st.integers(1, 8), st.integers(1, 16), st.integers(0, 2)),
)
def test_room_is_never_found_where_sums_leave_none(
    count: int, others: list[tuple[int, int, int, int]], wanted: tuple[int, int, int]
) -> None:
    def shape(cpu: int, memory: int, accelerators: int) -> Shape:
        return Shape(cpu=cpu, memory=memory, accelerators=accelerators)

    pool = Pool.model_validate(
        {
            "node": Node(cpu=8, memory=16, accelerators=2), "accelerator": "A", "count": count,
            "price": {"basis": "owned", "price": "0 EUR"},
        }
    )  # fmt: skip
    taken = [Taken(shape(*other[:3]), other[3]) for other in others]
    fits = has_room(pool, shape(*wanted), taken)
    sums = [wanted[q] + sum(other[q] * other[3] for other in others) for q in range(3)]
    if fits:
        assert all(total <= count * there for total, there in zip(sums, (8, 16, 2), strict=True))
    if not taken:
        assert fits
    if sum(other[3] for other in others) + 1 <= count:
        assert fits


def test_alone_it_goes_where_the_plan_of_the_estate_puts_it() -> None:
    root = Path(__file__).parents[2] / "examples" / "clinic-group"
    intent = load_folder(root).intent
    at = intent.settings.at or AT
    checked = 0
    for name, workload in intent.workloads.items():
        if workload.count > 1 or workload.spread or workload.after or workload.affinity:
            continue
        only = intent.model_copy(update={"workloads": {name: workload}})
        made = {o.dataset for w in intent.workloads.values() for o in w.outputs}
        if any(item.dataset in made for item in workload.inputs):
            continue
        by_plan = decide(only, FACTS, at).plan.decisions[0]
        placed = place(intent, FACTS, at, name, workload, {})
        assert placed.decision.assignments == by_plan.assignments
        checked += 1
    assert checked
