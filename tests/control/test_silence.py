"""Sites that are taken to be lost because they are silent, and come back into service by themselves."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from situs.control import orders
from situs.control.estate_files import EstateFiles
from situs.control.losses import Loss, covered, found_again, new_losses
from situs.control.pace import Pace
from situs.control.silence import LONGEST_GAP_S, Spells
from situs.facts import load
from situs.intent import load as load_intent
from situs.planner.decide import decide
from situs.store.holds import Hold
from situs.store.runs import Run
from tests.control.lost_site import NEAR, POOL, PROGRAM, counting, cuttable
from tests.control.plane import until

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
SITES = ("a", "b", "c")
PACE = Pace(look_s=0.1, rest_s=0.2, poll_s=0.05, shown_s=0.2, lease_s=2.0, plan_s=0.05, settle_s=0.2)


def test_silence_counts_only_while_another_site_answers() -> None:
    spells = Spells({})
    for at in range(0, 100, 10):
        spells.see("a", ok=at < 10, at=at, witnesses=SITES)
        spells.see("b", ok=True, at=at, witnesses=SITES)
    assert spells.silent_s("a") == 80.0
    for at in range(100, 400, 10):
        spells.see("b", ok=False, at=at, witnesses=SITES)
        spells.see("a", ok=False, at=at, witnesses=SITES)
    assert spells.silent_s("a") == 80.0, "all are away: it is this machine that is cut off"
    assert spells.silent_s("b") == 0.0
    assert spells.is_silent("b") and not spells.is_silent("c")


@given(
    st.lists(st.tuples(st.sampled_from(SITES), st.booleans(), st.floats(0, 1000)), max_size=60),
    st.integers(0, 59),
)
def test_silence_is_never_more_than_what_was_seen_of_it_and_survives_a_restart(
    looks: list[tuple[str, bool, float]], killed_at: int
) -> None:
    spells, at = Spells({}), 0.0
    state: dict[str, bool] = {}
    began: dict[str, float] = {}
    for number, (site, ok, gap_s) in enumerate(looks):
        at += gap_s
        if number == killed_at:
            # It was down for a long time, and its clock has begun anew.
            silent_s = {name: spells.silent_s(name) for name in state}
            spells = Spells({name: (state[name], silent_s[name] or spells.steady_s(name)) for name in state})
            at += 1e6
        before = spells.silent_s(site)
        if state.get(site) != ok:
            began[site], state[site] = at, ok
        spells.see(site, ok, at - (1e6 if number >= killed_at else 0.0), SITES)
        assert spells.silent_s(site) == 0.0 or not ok
        assert spells.silent_s(site) <= at - began[site] + 1e-6
        assert number == killed_at or spells.silent_s(site) - before <= LONGEST_GAP_S or before == 0.0


def run(name: str, site: str) -> Run:
    return Run(name, 0, 1, site, "box", "default", "spec", None, "placed", NOW)


def silent(seconds: float) -> Spells:
    """``a`` has been silent for so long, and ``b`` answers."""
    spells = Spells({"a": (False, seconds), "b": (True, 0.0)})
    spells.see("b", ok=True, at=0.0, witnesses=SITES)
    spells.see("a", ok=False, at=0.0, witnesses=SITES)
    return spells


def test_a_site_is_lost_for_those_alone_that_do_not_wait_longer() -> None:
    after_s = {"soon": 60.0, "late": 600.0}
    alive = [run("soon", "a"), run("late", "a"), run("never", "a"), run("soon", "b")]
    assert new_losses(alive, after_s, [], silent(59.0)) == []
    assert new_losses(alive, after_s, [], silent(60.0)) == [Loss("a", 60.0)]
    held = [Hold("lost", "a", NOW, "situs", "it is silent", 60.0)]
    assert covered(held, after_s) == {("a", "soon")}
    assert new_losses(alive, after_s, held, silent(599.0)) == []
    assert new_losses(alive, after_s, held, silent(600.0)) == [Loss("a", 600.0)]
    assert new_losses([run("never", "a")], after_s, [], silent(1e6)) == []
    assert covered([replace(held[0], after_s=None, by="ann")], after_s) == frozenset(), "that is for all"


def test_what_has_answered_longest_comes_back_first_and_never_what_a_person_has_lost() -> None:
    spells = Spells({"a": (True, 600.0), "b": (True, 700.0), "c": (True, 900.0)})
    held = [Hold("lost", site, NOW, "situs", None, 60.0) for site in ("a", "b")]
    held.append(Hold("lost", "c", NOW, "ann", "fire"))
    assert found_again(held, spells, 600.0) == "b"
    assert found_again(held, spells, 701.0) is None
    assert found_again(held[2:], spells, 1.0) is None


@pytest.mark.slow
def test_a_silent_site_is_left_by_itself_and_used_again_after_a_while(tmp_path: Path) -> None:
    job = counting(
        tmp_path / "evidence", use_case="labs", site_loss={"after": "3s", "restart": True}, lease="6s",
        shapes=[{"cpu": 1, "memory": "1GiB"}],
    )  # fmt: skip
    leave = {"moves_per_day": 9, "bill_per_day": "900 EUR", "kinds": ["on_prem"]}
    with cuttable(tmp_path, ("far", "other"), {}) as there:
        sites = {
            "near": (NEAR, "0.90"),
            "far": (there.sites["far"], "0.10"),
            "other": (there.sites["other"], "0.20"),
        }
        content = {
            "sites": {
                name: {**site, "pools": {"box": {**POOL, "price": {"basis": "on_demand", "price": f"{price} EUR/h"}}}}
                for name, (site, price) in sites.items()
            },
            "use_cases": {"labs": {"owner": "ann", "value": "900 EUR/month", "automatic": leave}},
            "workloads": {"job": job},
            "settings": {"stabilisation": "4s", "cooldown": "0h", "move_hours": 0},
        }  # fmt: skip
        estate = tmp_path / "estate"
        estate.mkdir()
        (estate / "estate.yaml").write_text(json.dumps(content))
        (estate / PROGRAM).write_bytes(files("bench.crash").joinpath(PROGRAM).read_bytes())
        there.intent = load_intent(estate).intent
        at = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=1)
        plan, program = decide(there.intent, load(), at).plan, orders.files_of(there.intent, estate)
        orders.apply(there.database, plan, there.intent, load(), program, "ann")
        with there.leading(PACE, EstateFiles(estate)):
            until(lambda: there.is_at("job", "far"), "it runs where it is cheapest")
            there.hosts["far"].cut("down")
            until(lambda: there.is_at("job", "other"), "it goes on elsewhere, and nobody had to say so")
            there.hosts["far"].mend()
            until(lambda: there.is_at("job", "far"), "it goes back")
        assert not there.twice("job")
    assert [text[:60] for text in there.told("lost")] == [
        "far is found: it has answered for 4 s without a break",
        "far is lost: it has not answered for 3 s, while others do",
    ]
