"""What a kind of site cannot do is known before anything is put there: it is refused, with the way out."""

from __future__ import annotations

import pytest

from bench.instances.small_estates import AT
from situs.facts import load
from situs.model.capability import CAPABILITIES
from situs.model.intent import Intent
from situs.planner.decide import decide
from situs.planner.explain import WhyNot, apply, why_not
from situs.planner.explain.wording import say
from situs.sites.registry import OWN
from tests.planner.explain.small import estate, job, site

RUN = {"command": ["python", "train.py"]}
ASKED = {
    "nodes": {"shapes": [{"cpu": 16.0, "memory": 8.0, "nodes": 2}], "run": RUN},
    "lease": {"lease": "60s", "run": RUN},
    "secrets": {"run": {**RUN, "secrets": {"HF_TOKEN": "env:HF"}}},
    "image": {"run": {**RUN, "image": "registry.example/tool:1"}},
}
CANNOT = {"nodes": "local", "lease": "slurm", "secrets": "ray", "image": "cloud"}
CAN = {"nodes": "slurm", "lease": "local", "secrets": "slurm", "image": "container"}


def two(capability: str) -> Intent:
    """The cheaper site is of a kind that cannot do it."""
    sites = {
        "cheap": site("1.00 EUR/h", adapter={"kind": CANNOT[capability]}),
        "dear": site("9.00 EUR/h", adapter={"kind": CAN[capability]}),
    }
    return estate(sites, {"work": job(**ASKED[capability]), "plain": job()})


def sites_of(intent: Intent, workload: str) -> set[str]:
    plan = decide(intent, load(()), AT, gap=1e-9).plan
    return {assignment.site for assignment in plan.decision(workload).assignments}


def asked(intent: Intent) -> WhyNot:
    return why_not(decide(intent, load(()), AT), "work", "cheap")


@pytest.mark.parametrize("capability", sorted(ASKED))
def test_work_goes_where_it_can_be_started_and_why_not_elsewhere_is_said(capability: str) -> None:
    intent = two(capability)
    assert (sites_of(intent, "work"), sites_of(intent, "plain")) == ({"dear"}, {"cheap"})
    answer = asked(intent)
    assert answer.verdict == "refused"
    reason = answer.reasons[0]
    assert (reason.rule, reason.details["kind"]) == (f"cannot-{capability}", CANNOT[capability])
    assert reason.source == "sites/cheap/adapter/kind"
    for language in ("en", "de"):
        assert "cheap" in say(reason, language)


@pytest.mark.parametrize(
    ("capability", "path", "value"),
    [("nodes", "/workloads/work/shapes/0/nodes", 1), ("lease", "/workloads/work/lease", None)],
)
def test_the_nearest_change_is_to_ask_for_less(capability: str, path: str, value: int | None) -> None:
    intent = two(capability)
    if capability == "nodes":
        # It fits on one node of the cheap site as well.
        work = intent.workloads["work"]
        smaller = work.model_copy(update={"shapes": (work.shapes[0].model_copy(update={"cpu": 8.0}),)})
        intent = intent.model_copy(update={"workloads": {**intent.workloads, "work": smaller}})
    (offer,) = asked(intent).offers
    assert offer.checked
    assert [(edit.path, edit.value) for edit in offer.edits] == [(path, value)]
    assert sites_of(apply(intent, offer.edits), "work") == {"cheap"}


def test_what_situs_does_not_start_is_asked_nothing() -> None:
    sites = {"cheap": site("1.00 EUR/h"), "dear": site("9.00 EUR/h")}
    gang = {"shapes": [{"cpu": 16.0, "memory": 8.0, "nodes": 2}]}
    assert sites_of(estate(sites, {"work": job(**gang)}), "work") == {"cheap"}


def test_two_that_differ_in_what_they_need_alone_are_not_taken_for_the_same() -> None:
    sites = {"only": site("1.00 EUR/h", adapter={"kind": "ray"})}
    intent = estate(sites, {"a": job(run=RUN), "b": job(**ASKED["secrets"])})
    assert (sites_of(intent, "a"), sites_of(intent, "b")) == ({"only"}, set())


def test_several_nodes_of_a_kubernetes_cluster_need_folders_that_they_share() -> None:
    reached = {"kind": "kubernetes", "options": {}}
    shared = {**reached, "options": {"access_mode": "ReadWriteMany"}}
    sites = {
        "cheap": site("1.00 EUR/h", adapter=reached),
        "dear": site("9.00 EUR/h", adapter=shared),
    }
    assert sites_of(estate(sites, {"work": job(**ASKED["nodes"])}), "work") == {"dear"}


def test_nothing_is_known_of_kinds_of_third_parties_and_something_of_all_of_ours() -> None:
    assert set(CAPABILITIES) == set(OWN)
    sites = {"theirs": site("1.00 EUR/h", adapter={"kind": "theirs"})}
    assert sites_of(estate(sites, {"work": job(**ASKED["lease"])}), "work") == {"theirs"}
