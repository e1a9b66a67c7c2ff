"""What to do next: a pure function of what is wanted, what is known of runs, what was seen, and the time.

For each unit it gives one step, or why nothing can be done, or nothing because all is as it should be.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from situs.control.strays import stray_steps
from situs.control.unhealthy import of_unhealthy
from situs.control.waiting import away, bereft, delayed, given_up, is_lost, leased, not_now, obstacle
from situs.control.wanted import (
    Kind,
    Place,
    Step,
    Unit,
    Waiting,
    Wanted,
    World,
    key_of,
    place_of,
    unit_of,
)
from situs.sites.adapter import Key
from situs.store.runs import Run

KEPT = timedelta(days=7)
"""What has succeeded keeps its folder and its output so long, for those who come back after a weekend."""
STALE = "stale"
"""Reason of a run that its site refused, because it has seen a higher generation than the database knows."""

Verdict = Step | Waiting | None


def diff(
    wanted: Mapping[Unit, Wanted], runs: Mapping[Unit, Sequence[Run]], world: World, busy: Iterable[Unit] = ()
) -> dict[Unit, Verdict]:
    """The verdict for each unit that is wanted, known or seen; ``busy`` ones have a step under way and are left out.

    ``runs``: of each unit the newest, and all that a site may still hold something of, by generation.
    """
    satisfied_now = satisfied(wanted, runs) | world.satisfied
    world = replace(world, satisfied=satisfied_now, succeeding=succeeding(wanted, runs))
    strays = stray_steps(wanted, runs, world)
    left_out = set(busy)
    verdicts: dict[Unit, Verdict] = {}
    for unit in {*wanted, *runs, *strays} - left_out:
        urgent, later = strays.get(unit, (None, None))
        verdict = urgent or next_step(wanted.get(unit), runs.get(unit, ()), world, unit)
        verdicts[unit] = verdict if isinstance(verdict, Step) else later or verdict
    return verdicts


def satisfied(wanted: Mapping[Unit, Wanted], runs: Mapping[Unit, Sequence[Run]]) -> frozenset[str]:
    """Workloads all of whose units have succeeded, or serve."""
    open_ones = {
        unit.workload for unit, want in wanted.items() if not _is_satisfied(want, runs.get(unit, ()))
    }
    return frozenset({unit.workload for unit in wanted} - open_ones)


def succeeding(wanted: Mapping[Unit, Wanted], runs: Mapping[Unit, Sequence[Run]]) -> frozenset[str]:
    """Services whose units go on until those that take over from them serve."""
    return frozenset(
        unit.workload
        for unit, want in wanted.items()
        if want.rolling and not _is_satisfied(want, runs.get(unit, ()))
    )


def _is_satisfied(want: Wanted, history: Sequence[Run]) -> bool:
    last = history[-1] if history else None
    if last is None:
        return False
    if want.service:
        return last.phase == "placed" and serves(last, want)
    return _done(history, want) is not None


def serves(run: Run, want: Wanted) -> bool:
    """Whether a run of a service is known to serve."""
    return run.started_at is not None if want.health is None else run.is_ready


def next_step(want: Wanted | None, history: Sequence[Run], world: World, unit: Unit) -> Verdict:
    """The verdict for one unit from its runs alone."""
    for run in history:
        if run.alive and (verdict := _of_what_should_end(run, want, world)):
            return verdict
    for run in history[:-1]:
        if run.phase == "placed":
            return _step("leave", run, "another run of it is newer")
    last = history[-1] if history else None
    if last is not None and last.phase == "placed":
        return _of_what_should_run(last, want, history, world)
    if want is None:
        # What has no place now may have one again, and goes on from its state then.
        kept = _source(history) if unit.workload in world.estate else None
        return _released([run for run in history if run is not kept], world)
    done = _done(history, want)
    if done is not None and not _is_due_again(done, want, world.now):
        fresh = done.ended_at is not None and world.now - done.ended_at < KEPT
        return _released([run for run in history if run is not done or not fresh], world)
    # What is not needed for going on is cleared away first, where its site answers.
    cleared = _released([run for run in history if run is not _source(history)], world)
    if isinstance(cleared, Step):
        return cleared
    return (
        given_up(last, want)
        or not_now(last, want, world)
        or obstacle(want, world)
        or Step("place", next_key(unit, last), want.place.site, _why_placed(last))
    )


def _of_what_should_end(run: Run, want: Wanted | None, world: World) -> Verdict:
    """A run that is to end, that has ended, or that is gone; None for one that nobody needs to wait for."""
    if run.phase == "leaving":
        if is_lost(run, world):
            return None if run.abandoned and want is not None else _abandoned(run, want, world)
        return delayed(run, world) or away(run, world) or _step("stop", run, run.cause or "it is to end")
    sight, key = world.sights.get(run.site), key_of(run)
    if sight is None or not sight.ok:
        return None
    status = sight.runs.get(key)
    if status is not None and status.state == "ended":
        return delayed(run, world) or _step("close", run, "it has ended")
    gone = status is None or status.state == "absent"
    if gone and run.started_at is not None and sight.began > run.started_at:
        return delayed(run, world) or _step("close", run, "its site does not know it any more")
    return None


def _abandoned(run: Run, want: Wanted | None, world: World) -> Verdict:
    """A run is given up with its site only for another place, where the unit can begin."""
    if want is None or run.abandoned:
        return away(run, world)
    return (
        bereft(run, want, world)
        or obstacle(want, world)
        or leased(run, want, world)
        or _step("abandon", run, f"{run.site} is lost")
    )


def _of_what_should_run(last: Run, want: Wanted | None, history: Sequence[Run], world: World) -> Verdict:
    unit = unit_of(last)
    why = _why_not_there(last, want)
    if want is None and last.started_at is not None and unit.workload in world.succeeding:
        return Waiting(
            unit, "it goes on until those that take over from it serve", "nothing; it is ended then"
        )
    if want is None and key_of(last) in world.undrained:
        return Waiting(unit, "it answers the requests that it has", "nothing; it is ended then")
    if is_lost(last, world) and unit.workload in world.estate and (left := bereft(last, want, world)):
        # Its site may come back with it.
        return left
    if why is not None:
        # It goes on where it is until it can go where it should be.
        kept = obstacle(want, world) if want and want.refused is None else None
        return kept or _step("leave", last, why)
    if last.started_at is None:
        return delayed(last, world) or away(last, world) or _step("start", last, "it is to run")
    if (trouble := away(last, world)) is not None:
        return Waiting(unit, f"it may still run: {trouble.cause}", trouble.next_step)
    cleared = _released(history[:-1], world)
    if last.unhealthy_at is None or want is None or isinstance(cleared, Step):
        return cleared
    unhealthy = of_unhealthy(last, want, world)
    # It is not ended where it could not begin anew.
    return (isinstance(unhealthy, Step) and obstacle(want, world)) or unhealthy


def _why_not_there(last: Run, want: Wanted | None) -> str | None:
    if want is None:
        return "it is no longer wanted"
    if place_of(last) != want.place:
        moves = f"it moves from {_named(place_of(last))} to {_named(want.place)}"
        return f"{moves}: {want.because}" if want.because else moves
    if last.spec != want.spec:
        return "what is to be run has changed"
    if want.refused is not None and last.started_at is None:
        return f"it may not be there: {want.refused}"
    return None


def _done(history: Sequence[Run], want: Wanted) -> Run | None:
    """The run that did what is wanted; runs that never began after it change nothing about that."""
    last = next((run for run in reversed(history) if run.outcome != "unstarted"), None)
    if want.service or last is None or last.outcome != "succeeded" or last.spec != want.spec:
        return None
    return last


def _is_due_again(done: Run, want: Wanted, now: datetime) -> bool:
    return want.every_s is not None and now >= done.placed_at + timedelta(seconds=want.every_s)


def _released(history: Sequence[Run], world: World) -> Verdict:
    """Clear away one of these runs that are over."""
    waiting: Waiting | None = None
    for run in history:
        if run.phase == "ended":
            waiting = delayed(run, world) or away(run, world)
            if waiting is None:
                return _step("release", run, "it is over and not needed any more")
    return waiting


def _source(history: Sequence[Run]) -> Run | None:
    """The run whose state the next one goes on from."""
    return next((run for run in reversed(history) if run.phase == "ended" and run.started_at), None)


def source_of(run: Run, history: Sequence[Run]) -> Run | None:
    """The run before this one whose state it goes on from."""
    return _source([other for other in history if other.generation < run.generation])


def next_key(unit: Unit, last: Run | None) -> Key:
    """How the run after this one is called."""
    if last is None:
        return Key(unit.workload, 1, unit.number)
    # The site knows a higher one and does not say which: doubling finds it soon.
    grown = last.generation * 2 if last.reason == STALE else last.generation + 1
    return Key(unit.workload, grown, unit.number)


def _why_placed(last: Run | None) -> str:
    if last is None:
        return "it is to run"
    if last.abandoned:
        return f"{last.site} is lost with the run before, and with what that has saved there"
    return f"the run before is over: {last.reason or last.outcome}"


def _step(kind: Kind, run: Run, cause: str) -> Step:
    return Step(kind, key_of(run), run.site, cause)


def _named(place: Place) -> str:
    return f"{place.site}/{place.pool}"
