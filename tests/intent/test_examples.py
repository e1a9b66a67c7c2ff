"""The estates under examples/ are valid, and the large one is planned as it promises."""

from __future__ import annotations

from pathlib import Path

import pytest

from situs.facts import load as load_facts
from situs.intent import load
from situs.intent.dump import dump
from situs.intent.loader import loads
from situs.model.estate import SiteKind
from situs.planner.decide import decide

EXAMPLES = Path(__file__).parents[2] / "examples"
HOSPITALS = EXAMPLES / "hospital-group"


@pytest.mark.parametrize(
    "folder", sorted(path for path in EXAMPLES.iterdir() if path.is_dir()), ids=lambda p: p.name
)
def test_every_example_is_valid_and_can_be_written_out(folder: Path) -> None:
    intent = load(folder).intent
    assert intent.settings.at is not None, "an example shows everybody the same figures"
    assert loads(dump(intent)).intent == intent


def test_the_hospital_group_uses_all_that_an_estate_can_say() -> None:
    intent = load(HOSPITALS).intent
    assert {site.kind for site in intent.sites.values()} == set(SiteKind)
    assert {pool.price.basis for site in intent.sites.values() for pool in site.pools.values() if pool.price} == {
        "owned", "reserved", "spot",
    }  # fmt: skip
    assert any(pool.sku for site in intent.sites.values() for pool in site.pools.values())
    assert {workload.stage.value for workload in intent.workloads.values()} == {
        "develop", "prepare", "train", "tune", "serve", "batch",
    }  # fmt: skip
    assert any(rule.cedar for rule in intent.rules.values())
    assert any(link.tiers for link in intent.links)


@pytest.mark.slow
def test_the_hospital_group_is_planned_as_it_promises() -> None:
    intent = load(HOSPITALS).intent
    assert intent.settings.at is not None
    plan = decide(intent, load_facts([]), intent.settings.at, gap=0.02).plan
    assert [d.workload for d in plan.decisions if d.unplaced] == []
    at = {d.workload: {a.site for a in d.assignments} for d in plan.decisions}
    # Beside the patient, with the data that may not leave, and never where the lights go out together.
    assert at["ct-triage-regensburg"] == {"ward-regensburg"}
    assert at["ct-triage-passau"] == {"ward-passau"}
    assert at["slides-train"] == {"munich-dc"}
    assert len({intent.sites[site].power_zone for site in at["sepsis-watch"]}) == 2
    # It is a hybrid because that is best: own machines, a hoster and a cloud.
    used = {intent.sites[site].kind for sites in at.values() for site in sites}
    assert {SiteKind.ON_PREM, SiteKind.EDGE} < used
    assert used & {SiteKind.PUBLIC, SiteKind.PRIVATE}
    # What nobody may see is nowhere public.
    secret = {name for name, d in intent.datasets.items() if d.label is not None and d.label.level == 4}
    kept = {r.site for r in plan.replicas if r.dataset in secret and r.change != "drop"}
    assert all(intent.sites[site].kind is not SiteKind.PUBLIC for site in kept)
    assert {r.dataset: r.site for r in plan.replicas if r.dataset == "slides" and r.change != "drop"} == {
        "slides": "munich-dc"
    }
