"""An estate of local sites, workloads that leave evidence, and plans that move them about."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from importlib.resources import files
from pathlib import Path

from situs.intent import input_hash, loads
from situs.model.intent import Intent
from situs.model.plan import Assignment, Decision, Fit, Part, Plan, Provenance

SITES = ("north", "south", "east", "west")
SERVICES = 0.3
"""of the workloads; the others are jobs that come to an end"""
STEP_S = 0.1
AT = datetime(2026, 11, 23, 8, tzinfo=UTC)


@dataclass(frozen=True)
class Story:
    """What is to be run, and where it is put one plan after another."""

    intent: Intent
    plans: tuple[Plan, ...]
    program: Mapping[str, bytes]
    steps: Mapping[str, int]
    """of each job; 0 for services"""


def story(evidence: Path, workloads: int, plans: int, seed: int, longest_s: float) -> Story:
    """Each plan moves about a third of the workloads to another site."""
    rng = random.Random(seed)
    names = [f"w{k:03}" for k in range(workloads)]
    steps = {
        name: 0 if k < SERVICES * workloads else rng.randint(5, max(6, int(longest_s / STEP_S)))
        for k, name in enumerate(names)
    }
    intent = intent_for(evidence, steps)
    places = {name: rng.choice(SITES) for name in names}
    made: list[Plan] = []
    for _ in range(plans):
        made.append(plan_for(intent, places, made[-1].id if made else None))
        for name in rng.sample(names, k=max(1, workloads // 3)):
            places[name] = rng.choice([site for site in SITES if site != places[name]])
    return Story(intent, tuple(made), program(), steps)


def program() -> dict[str, bytes]:
    """The file that they run."""
    return {"evidence.py": files("bench.crash").joinpath("evidence.py").read_bytes()}


def everything_away(story: Story) -> Plan:
    """A plan after the last one in which nothing runs."""
    return plan_for(story.intent, {}, story.plans[-1].id)


def place(plan: Plan, workload: str) -> str:
    """Where a plan puts it."""
    return plan.decision(workload).assignments[0].site


def intent_for(evidence: Path, steps: Mapping[str, int], step_s: float = STEP_S) -> Intent:
    """Workloads that leave evidence, each with its number of steps; 0: it goes on until it is asked to end."""
    site = {
        "kind": "on_prem", "country": "DE", "clearance": 4,
        "pools": {
            "box": {"node": {"cpu": 4, "memory": "8GiB"}, "count": 9, "price": {"basis": "owned", "price": "0 EUR"}}
        },
    }  # fmt: skip
    workloads = {}
    for name, count in steps.items():
        command = ["python", "-S", "evidence.py", str(evidence), str(count), str(step_s)]
        workloads[name] = {
            "stage": "train" if count else "serve",
            "label": {"level": 0},
            "shapes": [{"cpu": 0, "memory": "0GiB"}],
            "run": {"command": command, "files": ["evidence.py"], "state": ["count"], "grace": "20s"},
            **({"job": {"work": "1h"}} if count else {"service": {"requests_per_s": 1}}),
        }
    text = json.dumps({"sites": dict.fromkeys(SITES, site), "workloads": workloads})
    return loads(text).intent


def plan_for(intent: Intent, places: Mapping[str, str], parent: str | None) -> Plan:
    """A plan by hand: workload -> site; what has none does not run."""
    zero = Decimal(0)
    decisions = tuple(
        Decision(
            workload=name, fit=Fit.NOW if name in places else Fit.NEVER,
            assignments=(
                Assignment(
                    site=places[name], pool="box", basis="owned", shape=intent.workloads[name].shapes[0].name, units=1,
                    hours=730.0, costs={Part.COMPUTE: Decimal(73)}, carbon_kg=0.0, control=1.0,
                ),
            ) if name in places else (),
            reason="cheapest" if name in places else "no-place",
        )
        for name in sorted(intent.workloads)
    )  # fmt: skip
    made_from = Provenance(
        situs="0", solver="by hand", input_hash=input_hash(intent), facts={}, gap_wanted=0.0
    )
    return Plan(
        parent=parent, at=AT, horizon_hours=730.0, currency="EUR", provenance=made_from, status="feasible", cost=zero,
        objective=zero, bound=zero, gap=0.0, costs={}, carbon_kg=0.0, control=1.0, decisions=decisions,
    ).sealed()  # fmt: skip
