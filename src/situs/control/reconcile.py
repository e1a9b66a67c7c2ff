"""What to do next: a pure function of what is wanted, what is known of runs, what was seen, and the time.

For each unit it gives one step, or why nothing can be done, or nothing because all is as it should be.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from situs.control.backoff import delay
from situs.control.strays import stray_steps
from situs.control.wanted import (
    Kind,
    Place,
    Sight,
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
    world = World(
        world.now, world.sights, satisfied(wanted, runs) | world.satisfied, world.drained, world.gone
    )
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


def _is_satisfied(want: Wanted, history: Sequence[Run]) -> bool:
    last = history[-1] if history else None
    if last is None:
        return False
    if want.service:
        return last.phase == "placed" and last.started_at is not None
    return last.outcome == "succeeded" and last.spec == want.spec


def next_step(want: Wanted | None, history: Sequence[Run], world: World, unit: Unit) -> Verdict:
    """The verdict for one unit from its runs alone."""
    for run in history:
        if run.alive and (verdict := _of_what_should_end(run, world)):
            return verdict
    for run in history[:-1]:
        if run.alive:
            return _step("leave", run, "another run of it is newer")
    last = history[-1] if history else None
    if last is not None and last.phase == "placed":
        return _of_what_should_run(last, want, history, world)
    if want is None:
        return _released(history, world)
    if last is not None and _is_finished(last, want, world.now):
        old = history[:-1] if last.ended_at and world.now - last.ended_at < KEPT else history
        return _released(old, world)
    # What is not needed for going on is cleared away first, where its site answers.
    cleared = _released([run for run in history if run is not _source(history)], world)
    if isinstance(cleared, Step):
        return cleared
    return (
        _given_up(last, want)
        or _not_now(last, want, world)
        or _obstacle(want, world)
        or Step("place", _next_key(unit, last), want.place.site, _why_placed(last))
    )


def _of_what_should_end(run: Run, world: World) -> Verdict:
    """A run that is to end, that has ended, or that is gone; None for one that may go on."""
    if run.phase == "leaving":
        return _delayed(run, world) or _away(run, world) or _step("stop", run, run.cause or "it is to end")
    sight, key = world.sights.get(run.site), key_of(run)
    if sight is None or not sight.ok:
        return None
    status = sight.runs.get(key)
    if status is not None and status.state == "ended":
        return _delayed(run, world) or _step("close", run, "it has ended")
    if status is None and run.started_at is not None and sight.began > run.started_at:
        return _delayed(run, world) or _step("close", run, "its site does not know it any more")
    return None


def _of_what_should_run(last: Run, want: Wanted | None, history: Sequence[Run], world: World) -> Verdict:
    unit = unit_of(last)
    why = _why_not_there(last, want)
    if why is not None:
        obstacle = _obstacle(want, world) if want and want.refused is None else None
        # It goes on where it is until it can go where it should be.
        return obstacle or _step("leave", last, why)
    if last.started_at is None:
        return _delayed(last, world) or _away(last, world) or _step("start", last, "it is to run")
    if (trouble := _away(last, world)) is not None:
        return Waiting(unit, f"it may still run: {trouble.cause}", trouble.next_step)
    return _released(history[:-1], world)


def _why_not_there(last: Run, want: Wanted | None) -> str | None:
    if want is None:
        return "it is no longer wanted"
    if place_of(last) != want.place:
        return f"it moves from {_named(place_of(last))} to {_named(want.place)}"
    if last.spec != want.spec:
        return "what is to be run has changed"
    if want.refused is not None and last.started_at is None:
        return f"it may not be there: {want.refused}"
    return None


def _is_finished(last: Run, want: Wanted, now: datetime) -> bool:
    if want.service or last.outcome != "succeeded" or last.spec != want.spec:
        return False
    return want.every_s is None or now < last.placed_at + timedelta(seconds=want.every_s)


def _given_up(last: Run | None, want: Wanted) -> Waiting | None:
    if last is None or last.outcome != "failed" or want.service or last.spec != want.spec:
        return None
    how = f"exit code {last.exit_code}" if last.reason == "exited" else f"{last.reason}"
    if last.exit_code in want.final and last.reason == "exited":
        return Waiting(want.unit, f"it failed with {how}, which is final", _LOOK)
    if last.failures > want.retries:
        often = f"{last.failures} times, the last time " if last.failures > 1 else ""
        return Waiting(want.unit, f"it failed {often}with {how}", _LOOK)
    return None


_LOOK = "read its output, put right what is wrong, and apply a plan with the change"


def _not_now(last: Run | None, want: Wanted, world: World) -> Waiting | None:
    missing = [name for name in want.needs if name not in world.satisfied]
    if missing:
        return Waiting(want.unit, f"it needs {', '.join(missing)}", "it begins when that is done")
    if want.not_before is not None and world.now < want.not_before:
        return Waiting(
            want.unit, f"it begins at {want.not_before:%Y-%m-%dT%H:%MZ}", "nothing", want.not_before
        )
    attempts = last.failures + last.losses if last else 0
    if last is None or last.ended_at is None or last.spec != want.spec or not attempts:
        return None
    until = last.ended_at + delay(attempts, str(key_of(last)))
    # What was ended to be moved has nothing to wait for.
    if last.outcome in ("stopped", "unstarted") or world.now >= until:
        return None
    said = last.cause or f"it ended: {last.reason or last.outcome}"
    return Waiting(want.unit, said, f"it is started again, for the {attempts}. time", until)


def _obstacle(want: Wanted, world: World) -> Waiting | None:
    """What keeps a unit from the place it should be at."""
    site = want.place.site
    if want.refused is not None:
        return Waiting(want.unit, f"it may not be at {site}: {want.refused}", "plan again")
    if site in world.drained:
        return Waiting(
            want.unit, f"{site} is drained", f"plan again without it, or `situs drain {site} --end`"
        )
    return _no_answer(want.unit, site, world.sights.get(site))


def _away(run: Run, world: World) -> Waiting | None:
    return _no_answer(unit_of(run), run.site, world.sights.get(run.site))


def _no_answer(unit: Unit, site: str, sight: Sight | None) -> Waiting | None:
    if sight is None:
        return Waiting(unit, f"{site} has not answered yet", "it goes on once it has")
    if not sight.ok:
        return Waiting(unit, sight.cause or f"{site} does not answer", sight.next_step or "it is asked again")
    return None


def _delayed(run: Run, world: World) -> Waiting | None:
    if run.retry_at is None or world.now >= run.retry_at:
        return None
    return Waiting(
        unit_of(run),
        run.cause or "the last attempt failed",
        run.next_step or "it is tried again",
        run.retry_at,
    )


def _released(history: Sequence[Run], world: World) -> Verdict:
    """Clear away one of these runs that are over."""
    waiting: Waiting | None = None
    for run in history:
        if run.phase == "ended":
            waiting = _delayed(run, world) or _away(run, world)
            if waiting is None:
                return _step("release", run, "it is over and not needed any more")
    return waiting


def _source(history: Sequence[Run]) -> Run | None:
    """The run whose state the next one goes on from."""
    return next((run for run in reversed(history) if run.phase == "ended" and run.started_at), None)


def source_of(run: Run, history: Sequence[Run]) -> Run | None:
    """The run before this one whose state it goes on from."""
    return _source([other for other in history if other.generation < run.generation])


def _next_key(unit: Unit, last: Run | None) -> Key:
    if last is None:
        return Key(unit.workload, 1, unit.number)
    # The site knows a higher one and does not say which: doubling finds it soon.
    grown = last.generation * 2 if last.reason == STALE else last.generation + 1
    return Key(unit.workload, grown, unit.number)


def _why_placed(last: Run | None) -> str:
    return "it is to run" if last is None else f"the run before is over: {last.reason or last.outcome}"


def _step(kind: Kind, run: Run, cause: str) -> Step:
    return Step(kind, key_of(run), run.site, cause)


def _named(place: Place) -> str:
    return f"{place.site}/{place.pool}"
