"""The trace as an estate: read right, sound as a problem, and clear about what is missing."""

from __future__ import annotations

import gzip
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from bench.answers import checked_answer, greedy_answer, planner_answer
from bench.figure import CannotMeasure, Protocol
from bench.instances.trace import NODES, TASKS, VARIABLE, NodeKind, Task, read_nodes, read_tasks, trace_folder
from bench.instances.trace_estate import rented_sites, trace_intent
from bench.peers.greedy import RULES
from bench.peers.skypilot import Machine, catalogue, skypilot_placement, skypilot_version
from bench.suite import planner_trace
from situs.facts import load
from situs.planner.check import validate_problem
from situs.planner.compile.candidates import Candidates, candidates
from situs.planner.compile.world import World

AT = datetime(2026, 11, 1, tzinfo=UTC)
TASK_FILE = """name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,creation_time
late,4000,8192,1,1000,,LS,Running,90
share,6000,12288,1,460,,LS,Running,10
again,6000,12288,1,460,,LS,Running,20
spare,6000,12288,1,460,,BE,Running,30
eight,96000,393216,8,1000,,BE,Running,40
plain,2500,1536,0,0,,LS,Running,50
"""
NODE_FILE = """sn,cpu_milli,memory_mib,gpu,model
n0,32000,262144,0,
n1,96000,393216,8,G2
n2,48000,376832,4,V100M32
n3,16000,122880,2,P100
"""


@pytest.fixture(params=["plain", "gz"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    for name, content in ((TASKS, TASK_FILE), (NODES, NODE_FILE)):
        if request.param == "gz":
            (tmp_path / f"{name}.gz").write_bytes(gzip.compress(content.encode()))
        else:
            (tmp_path / name).write_text(content)
    return tmp_path


def test_identical_tasks_are_one_kind_in_order_of_arrival(folder: Path) -> None:
    tasks = read_tasks(folder)
    assert list(tasks.items()) == [
        (Task(6.0, 12.0, 0.46, False), 2),
        (Task(6.0, 12.0, 0.46, True), 1),
        (Task(96.0, 384.0, 8.0, True), 1),
        (Task(2.5, 1.5, 0.0, False), 1),
        (Task(4.0, 8.0, 1.0, False), 1),
    ]
    assert read_nodes(folder)[1] == NodeKind(96.0, 384.0, 8, "G2")


def test_what_is_missing_is_said_with_where_it_is_published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    for ask in (trace_folder, lambda: next(planner_trace.figures(Protocol()))):
        with pytest.raises(CannotMeasure, match=f"{TASKS}.*{VARIABLE}.*github.com/hkust-adsl"):
            ask()


def test_the_folder_is_found_by_its_variable(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, str(folder))
    assert trace_folder() == folder


def test_all_nine_providers_are_there_at_list_price() -> None:
    facts = load()
    sites = rented_sites(facts)
    assert len({site["operator"] for site in sites.values()}) == 9
    pools = [pool for site in sites.values() for pool in site["pools"].values()]
    on_demand = [pool for pool in pools if pool["price"]["basis"] == "on_demand"]
    assert len(on_demand) == len(facts.prices())
    for pool in on_demand:
        fact = facts.price(pool["sku"])
        assert fact is not None
        assert pool["price"]["price"] == f"{fact.per_hour} USD/h"


@pytest.fixture(scope="module")
def drawn() -> Candidates:
    """Tasks and nodes like those of the trace, a few of each."""
    rng = np.random.default_rng(3)
    tasks: Counter[Task] = Counter()
    for _ in range(24):
        boards = float(rng.choice([0, round(float(rng.uniform(0.1, 0.9)), 2), 1, 2, 8]))
        size = max(1.0, boards)
        task = Task(4.0 * size, round(float(rng.uniform(8, 40)), 1) * size, boards, bool(rng.random() < 0.5))
        tasks[task] += int(rng.integers(1, 30))
    nodes = [
        NodeKind(96.0, 384.0, 8, "G2"),
        NodeKind(32.0, 128.0, 4, "V100M16"),
        NodeKind(64.0, 512.0, 0, ""),
    ]
    facts = load()
    return candidates(World(trace_intent(facts, tasks, [n for n in nodes for _ in range(6)]), facts, AT))


def test_the_problem_is_sound_and_every_task_has_a_place(drawn: Candidates) -> None:
    validate_problem(drawn.problem)
    assert (drawn.problem_class >= 0).all()
    assert drawn.problem.fixed_cost == 0.0


@pytest.mark.slow
def test_no_method_is_below_the_bound_and_reserved_nodes_do_not_run_out(drawn: Candidates) -> None:
    ours = planner_answer(drawn.problem, 0.002, 20.0)
    assert ours.unplaced == 0
    assert ours.gap <= 0.002
    for rule in RULES:
        peer = greedy_answer(drawn.problem, rule)
        assert peer.unplaced == 0
        assert peer.cost >= ours.bound * (1 - 1e-9)


def test_machines_cost_what_their_pools_cost(drawn: Candidates) -> None:
    world = drawn.world
    by_place: dict[int, list[Machine]] = {}
    for machine in catalogue(world):
        by_place.setdefault(machine.place, []).append(machine)
    assert set(by_place) == {place.index for place in world.places}
    for place in world.places:
        largest = max(by_place[place.index], key=lambda machine: (machine.cpus, machine.accelerators))
        assert place.pool.node is not None and place.pool.price is not None
        assert (largest.cpus, largest.memory_gib) == (place.pool.node.cpu, place.pool.node.memory)
        assert largest.accelerators == place.pool.node.accelerators
        if place.pool.price.basis != "owned":
            assert largest.usd_per_hour == pytest.approx(float(place.pool.price.price.amount))


@pytest.mark.slow
def test_skypilot_picks_the_cheapest_that_has_room(drawn: Candidates) -> None:
    try:
        assert skypilot_version()
    except CannotMeasure as reason:
        pytest.skip(str(reason))
    chosen = skypilot_placement(drawn)
    answer = checked_answer(drawn.problem, chosen.placement, chosen.wall_s)
    assert answer.unplaced == 0
    # The class that came first found everything free: nothing that fits it is cheaper than what it took.
    shape, options = drawn.classes[0].workload.shapes[0], drawn.options_of(0)
    price: dict[int, float] = {}
    for machine in catalogue(drawn.world):
        big_enough = machine.cpus >= shape.cpu and machine.memory_gib >= shape.memory
        if big_enough and machine.accelerators >= shape.accelerators:
            price[machine.place] = min(price.get(machine.place, np.inf), machine.usd_per_hour)
    taken = [drawn.options[j].place.index for j in drawn.columns_of(0) if chosen.placement.units[j]]
    assert min(price[place] for place in taken) == min(price[option.place.index] for option in options)
