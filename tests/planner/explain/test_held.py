"""In a large estate what is far from a question stays where it is, and near it nothing does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bench.instances.small_estates import AT, random_estate
from situs.facts import load
from situs.model.intent import Intent
from situs.planner.decide import Decided, decide
from situs.planner.exact import optimum
from situs.planner.explain import apply, why_not
from situs.planner.explain.held import Held
from situs.planner.explain.held import held as what_is_held
from tests.planner.explain.small import estate, job, site

NEIGHBOURS, FAR = 4, 60


def two_regions() -> Intent:
    """A few workloads between two sites, and many that may only be at three others."""
    sites = {
        "cheap": site("1.00 EUR/h", clearance=4, key_custody="held_your_own"),
        "dear": site("1.25 EUR/h", clearance=4, key_custody="held_your_own"),
    }
    sites |= {f"far-{k}": site(f"{1 + k / 10:.2f} EUR/h", clearance=1, pool={"limit": 40}) for k in range(3)}
    near = {
        f"near-{k}": job(label={"level": 3}, shapes=[{"cpu": 8.0, "memory": 8.0 + k}])
        for k in range(NEIGHBOURS)
    }
    far = {
        f"far-{k}": job(label={"level": 0}, shapes=[{"cpu": 1.0, "memory": 1.0 + k / 100}])
        for k in range(FAR)
    }
    rules = {
        "apart": {
            "title": "Apart",
            "applies_to": {"name": list(far)},
            "never_at": {"name": ["cheap", "dear"]},
        }
    }
    return estate(sites, {**near, **far}, rules=rules)


def decided(intent: Intent) -> Decided:
    return decide(intent, load(()), AT)


def test_a_small_estate_is_free_altogether() -> None:
    answer = decided(random_estate(3))
    assert what_is_held(answer, "work-0", "site-0") == Held({})
    assert why_not(answer, "work-0", "site-0").held == 0


def test_what_is_far_is_held_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("situs.planner.explain.held.FREE_COLUMNS", 40)
    answer = decided(two_regions())
    stays = what_is_held(answer, "near-0", "dear")
    assert {name for names in stays.units for name in names} == {f"far-{k}" for k in range(FAR)}
    fixed = stays.fixed(answer.candidates)
    found = optimum(answer.candidates.problem, fixed=fixed)
    assert found is not None
    assert np.array_equal(found.units[fixed.columns], answer.solution.placement.units[fixed.columns])
    assert found.cost == pytest.approx(answer.solution.placement.cost)


def test_the_answer_is_that_of_the_whole_estate_where_the_far_part_has_no_say(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    intent = two_regions()
    answer = decided(intent)
    monkeypatch.setattr("situs.planner.explain.held.FREE_COLUMNS", 10_000)
    whole = why_not(answer, "near-0", "dear")
    monkeypatch.setattr("situs.planner.explain.held.FREE_COLUMNS", 40)
    part = why_not(answer, "near-0", "dear")
    assert (whole.held, part.held) == (0, FAR)
    assert part.model_copy(update={"held": 0}) == whole
    (offer,) = part.offers
    assert offer.checked
    moved = decide(apply(intent, offer.edits), load(()), AT, gap=1e-9).plan
    assert {a.site for a in moved.decision("near-0").assignments} == {"dear"}


def test_a_class_that_lost_its_place_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("situs.planner.explain.held.FREE_COLUMNS", 40)
    intent = two_regions()
    answer = decided(intent)
    stays = what_is_held(answer, "near-0", "dear")
    content: dict[str, Any] = intent.model_dump(mode="json", by_alias=True, exclude_unset=True)
    del content["sites"]["far-0"]
    smaller = decided(Intent.model_validate(content))
    fixed = stays.fixed(smaller.candidates)
    gone = {names for names, places in stays.units.items() if any(place[0] == "far-0" for place in places)}
    assert gone
    assert len(fixed.classes) == len(stays.units) - len(gone)
