"""The tasks of the trace on rented and own machines, as an estate that anybody could write down.

**Rented.** Every node of the packaged price catalogue, at its provider's region: on demand and, where listed,
as spot, one machine a task; and where the provider publishes a one-year discount, reserved: paid all month,
shared by tasks.

**Own.** Every third node of the trace's own cluster, in a newer and an older hall. They are paid for, so
what they cost is electricity; that keeps what no choice changes out of the cost, and the gap honest.

**Tasks** run all month (the trace's own simulator never ends a task either). The trace lets a task run on
any accelerator model; best-effort tasks may be on spot machines.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from bench.instances.trace import NodeKind, Task
from situs.facts import Facts
from situs.facts.completion import ACCELERATOR_MEMORY_GIB
from situs.facts.fact import PriceFact
from situs.model.estate import Node
from situs.model.intent import Intent
from situs.planner.compile.power import busy_watts

OWN_SHARE = 3
"""The company owns one node of so many of the cluster: about a third of what its tasks need."""
NEW_MODELS = frozenset({"G2", "G3", ""})
"""Models the trace keeps secret are its newest; its CPU nodes stand beside them."""
CATALOGUE_NAME = {"V100M16": "V100", "V100M32": "V100-32GB"}
USD_PER_KWH = "0.20 USD/kWh"
PUE = {"hall-new": 1.3, "hall-old": 1.6}
COMMITMENT = "1yr_no_upfront"
COMMITMENT_MONTHS = 12
MOST_RESERVED = 10_000
"""nodes of a kind: more than all tasks together could use"""


def trace_intent(facts: Facts, tasks: Counter[Task], nodes: Sequence[NodeKind]) -> Intent:
    """The whole estate; workloads are named in the order in which kinds of tasks first arrive."""
    return Intent.model_validate(
        {
            "sites": {**rented_sites(facts), **own_sites(nodes)},
            "workloads": {
                f"task-{number:03d}": _workload(task, count)
                for number, (task, count) in enumerate(tasks.items())
            },
            "settings": {"currency": "USD"},
        }
    )


def _workload(task: Task, count: int) -> dict[str, Any]:
    return {
        "stage": "batch" if task.best_effort else "serve",
        "count": count,
        "shapes": [{"cpu": task.cpus, "memory": task.memory_gib, "accelerators": task.accelerators}],
        "service": {"requests_per_s": 1},
        "availability": 0.99 if task.best_effort else 0.999,
        "label": {"level": 0},
    }


def rented_sites(facts: Facts) -> dict[str, Any]:
    """A site for each provider's region, with pools for each kind of node and way to pay."""
    sites: dict[str, Any] = {}
    for fact in facts.prices():
        site = sites.setdefault(
            _name(f"{fact.operator}-{fact.region}"),
            {
                "kind": "public",
                "operator": fact.operator,
                "region": fact.region,
                "country": fact.country,
                "pools": {},
            },
        )
        for basis, price in _prices(fact, facts):
            site["pools"][_name(f"{fact.sku}-{basis}")] = {
                "sku": fact.key,
                "price": price,
                **({"limit": MOST_RESERVED} if basis == "reserved" else {}),
            }
    return sites


def _prices(fact: PriceFact, facts: Facts) -> Iterable[tuple[str, dict[str, Any]]]:
    yield "demand", {"basis": "on_demand", "price": f"{fact.per_hour} {fact.currency}/h"}
    if fact.per_hour_spot is not None:
        yield "spot", {"basis": "spot", "price": f"{fact.per_hour_spot} {fact.currency}/h"}
    discount = facts.commitments(fact.operator).get(COMMITMENT)
    if discount is not None:
        price = f"{fact.per_hour * (1 - discount)} {fact.currency}/h"
        yield "reserved", {"basis": "reserved", "price": price, "term": COMMITMENT_MONTHS}


def own_sites(nodes: Sequence[NodeKind]) -> dict[str, Any]:
    """The two halls, with a pool for each kind of node."""
    halls: dict[str, Any] = {
        name: {
            "kind": "on_prem",
            "country": "DE",
            "pue": pue,
            "electricity": {"price": USD_PER_KWH},
            "pools": {},
        }
        for name, pue in PUE.items()
    }
    for kind, count in sorted(Counter(nodes[::OWN_SHARE]).items()):
        hall = "hall-new" if kind.accelerator in NEW_MODELS else "hall-old"
        halls[hall]["pools"][_own_name(kind)] = _own_pool(kind, count)
    return halls


def _own_pool(kind: NodeKind, count: int) -> dict[str, Any]:
    model = CATALOGUE_NAME.get(kind.accelerator, kind.accelerator) or None
    node = {
        "cpu": kind.cpus,
        "memory": kind.memory_gib,
        "accelerators": kind.accelerators,
        "accelerator_memory": ACCELERATOR_MEMORY_GIB.get(model or "", 0.0),
    }
    watts = busy_watts(Node.model_validate(node), model)
    return {
        "node": node,
        "accelerator": model,
        "count": count,
        "price": {"basis": "owned", "price": "0 USD", "idle": 0, "busy": watts},
    }


def _own_name(kind: NodeKind) -> str:
    model = f"-{kind.accelerators}x{kind.accelerator}" if kind.accelerators else ""
    return f"{kind.cpus:g}cpu-{kind.memory_gib:g}gib{model}"


def _name(text: str) -> str:
    return re.sub("[^A-Za-z0-9._-]", "-", text)
