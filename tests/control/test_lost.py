"""Sites that are lost: their work goes on elsewhere, and what comes back is ended."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bench.crash.kill import control_plane, kill
from situs.control import orders, views
from situs.control.reconcile import diff
from situs.control.wanted import Place, Sight, Step, Unit, Waiting, Wanted, World, key_of
from situs.control.withdrawn import may_leave, withdrawn
from situs.facts import load
from situs.policy import Policy
from situs.sites.adapter import Status
from situs.store.runs import Run
from tests.control.lost_site import counting, cuttable
from tests.control.plane import estate, until

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


@pytest.mark.slow
def test_what_a_person_says_is_lost_goes_on_elsewhere_and_its_old_copy_is_ended_when_it_is_back(
    tmp_path: Path,
) -> None:
    evidence = tmp_path / "evidence"
    workloads = {
        "anew": counting(evidence, site_loss={"restart": True}),
        "waits": counting(evidence),
        "stays": counting(evidence, site_loss={"restart": True}),
    }
    with cuttable(tmp_path, ("far",), workloads) as there:
        there.go(anew="far", waits="far", stays="far")
        with there.leading():
            until(lambda: all(there.is_at(name, "far") for name in workloads), "they run")
            until(lambda: there.lines("anew"), "it says so")
            there.hosts["far"].cut("down")
            until(lambda: there.told("site"), "it is noticed")
            orders.lose(there.database, "far", "bob", "fire in hall 2")
            there.go(anew="near", waits="near", stays="far")
            until(lambda: there.is_at("anew", "near"), "it goes on elsewhere")
            until(lambda: len(there.lines("anew")) > 1, "it says so")
            assert there.twice("anew"), "nobody could end the old one, and it asked for no more than that"
            stood = {unit.workload: unit for unit in views.overview(there.database).units}
            assert "what it has saved stands there alone" in (stood["waits"].cause or "")
            assert "the plan has no other place" in (stood["stays"].cause or "")
            there.hosts["far"].mend()
            until(lambda: ["end", "1", "far"] in [line[:3] for line in there.lines("anew")], "it is ended")
            until(lambda: there.runs("anew")[0].phase == "released", "and cleared away")
            until(lambda: there.is_at("waits", "near"), "what waited for its state has moved with it")
            until(lambda: len(there.lines("waits")) == 3, "it says so")
            counts = [int(line[3]) for line in there.lines("waits")]
            assert counts == sorted(counts) and counts[-1] > 0
            assert orders.find(there.database, "far", "bob")
            assert not orders.find(there.database, "far", "bob")
            until(lambda: there.is_at("stays", "far"), "what had no other place runs on")
            assert len(there.lines("stays")) == 1
    assert there.told("lost") == ["far is found", "far is lost: fire in hall 2"]
    assert there.told("abandoned") == ["given up at far: far is lost"]
    assert [run.site for run in there.runs("anew")] == ["far", "near"]


@pytest.mark.slow
def test_what_must_never_run_twice_is_ended_at_its_site_before_it_begins_elsewhere(tmp_path: Path) -> None:
    evidence = tmp_path / "evidence"
    workloads = {
        "once": counting(evidence, site_loss={"restart": True}, lease="8s"),
        "kept": counting(evidence, lease="8s"),
    }
    with cuttable(tmp_path, ("far", "other"), workloads) as there:
        url, folder = f"sqlite:///{tmp_path / 'control.db'}", there.folder
        there.go(once="far", kept="other")
        with control_plane(url, folder) as first:
            until(lambda: there.is_at("once", "far") and there.is_at("kept", "other"), "they run")
            until(lambda: there.lines("once"), "it says so")
            time.sleep(12.0)
            assert len(there.lines("once")) == 1, "its lease is renewed"
            there.hosts["far"].cut("down")
            orders.lose(there.database, "far", "bob", "fire in hall 2")
            there.go(once="near", kept="other")
            until(lambda: [run.phase for run in there.runs("once")] == ["leaving"], "it is to end there")
            kill(first)
        with control_plane(url, folder):
            until(lambda: there.is_at("once", "near"), "it goes on elsewhere")
            until(lambda: len(there.lines("once")) == 2, "it says so")
            there.hosts["far"].mend()
            until(lambda: there.runs("once")[0].phase == "released", "what was left is cleared away")
    assert there.runs("once")[0].reason == "lapsed", "its site has ended it by itself"
    assert not there.twice("once")
    assert len(there.lines("kept")) == 1, "the new control plane has renewed what the old one had"


PLACES = {name: Place(name, "box", "default") for name in ("far", "near")}
RUN = Run(
    "job", 0, 1, "far", "box", "default", "spec", None, "leaving", NOW - timedelta(hours=2),
    started_at=NOW - timedelta(hours=2),
)  # fmt: skip
UNIT = Unit("job", 0)


def verdict(
    history: list[Run], *, far: bool, near: bool, to: str = "near", restart: bool = True, leased: bool = False
) -> Step | Waiting | None:
    """What is to be done when ``far`` is lost, and the sites answer or not."""
    alive = {key_of(run): Status("running") for run in history if run.site == "far"}
    sights = {"far": Sight("far", NOW, far, alive), "near": Sight("near", NOW, near)}
    world = World(NOW, sights, lost=frozenset({"far"}), estate=frozenset({"job"}), leased={})
    return diff(
        {UNIT: Wanted(UNIT, PLACES[to], "spec", restart=restart, leased=leased)}, {UNIT: history}, world
    )[UNIT]


def kind(found: Step | Waiting | None) -> str:
    return found.kind if isinstance(found, Step) else "waits" if found else "nothing"


def test_a_run_is_given_up_only_for_a_place_that_answers_and_never_when_it_can_be_ended() -> None:
    assert kind(verdict([RUN], far=False, near=True)) == "abandon"
    assert kind(verdict([RUN], far=False, near=False)) == "waits"
    assert kind(verdict([RUN], far=False, near=True, to="far")) == "waits"
    assert kind(verdict([RUN], far=False, near=True, restart=False)) == "waits"
    assert kind(verdict([RUN], far=True, near=True)) == "stop"
    assert kind(verdict([RUN], far=False, near=True, leased=True)) == "waits", (
        "it was started without a lease"
    )
    placed = replace(RUN, phase="placed")
    assert kind(verdict([placed], far=False, near=True)) == "leave"
    assert kind(verdict([placed], far=False, near=True, restart=False)) == "waits", (
        "its site may come back with it"
    )


def test_what_was_given_up_is_in_nobodys_way_until_it_can_be_ended_and_then_that_comes_first() -> None:
    old = replace(RUN, abandoned_at=NOW)
    new = replace(old, generation=2, site="near", phase="placed", started_at=None, abandoned_at=None)
    assert kind(verdict([old], far=False, near=True)) == "place"
    assert kind(verdict([old, new], far=False, near=True)) == "start"
    for history in ([old], [old, new], [old, replace(new, started_at=NOW)]):
        found = verdict(history, far=True, near=True)
        assert isinstance(found, Step) and (found.kind, found.site) == ("stop", "far")
    assert kind(verdict([old, replace(new, started_at=NOW)], far=False, near=True)) == "nothing"


def test_who_may_be_nowhere_else_keeps_the_place(tmp_path: Path) -> None:
    own = {"rules": {"ours": {"title": "ours", "applies_to": {"name": ["kept"]}, "only_at": {"name": ["a"]}}}}
    intent = estate({"kept": {"run": "pass"}, "free": {"run": "pass"}}, **own)
    leaving = may_leave(intent, load(), NOW, frozenset(), frozenset({"a"}))
    assert leaving == {"free"}
    policy = Policy(withdrawn(intent, {"a": "a is lost"}, {"a": leaving}), load(), NOW, frozenset())
    assert policy.workload_refusals("free", "a") and not policy.workload_refusals("kept", "a")
