"""Why nothing can be done about a unit now, with what will be done about it or what a person can do."""

from __future__ import annotations

from collections.abc import Collection

from situs.control.backoff import delay
from situs.control.wanted import Sight, Unit, Waiting, Wanted, World, key_of, unit_of
from situs.store.runs import Run

PUT_RIGHT = "read its output, put right what is wrong"
RUN_AGAIN = f"{PUT_RIGHT}, and run it again"
"""What a person can do about work that was handed in, and failed for good."""


def given_up(last: Run | None, want: Wanted) -> Waiting | None:
    if last is None or last.outcome != "failed" or want.service or last.spec != want.spec:
        return None
    if last.exit_code in want.final and last.reason == "exited":
        return Waiting(want.unit, f"{failure(last)}, which is final", _look(want))
    if last.failures > want.retries:
        return Waiting(want.unit, failure(last), _look(want))
    return None


def failure(last: Run) -> str:
    """How something failed for good."""
    how = f"exit code {last.exit_code}" if last.reason == "exited" else f"{last.reason}"
    often = f"{last.failures} times, the last time " if last.failures > 1 else ""
    return f"it failed {often}with {how}"


def is_over(run: Run, retries: int, final: Collection[int]) -> bool:
    """Whether a job's newest run was its last one."""
    if run.alive or run.outcome not in ("succeeded", "failed"):
        return False
    return (
        run.outcome == "succeeded"
        or run.failures > retries
        or (run.reason == "exited" and run.exit_code in final)
    )


def _look(want: Wanted) -> str:
    """What a person can do: the way there is another one for what was handed in."""
    return RUN_AGAIN if want.plan else f"{PUT_RIGHT}, and apply a plan with the change"


def not_now(last: Run | None, want: Wanted, world: World) -> Waiting | None:
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


def obstacle(want: Wanted, world: World) -> Waiting | None:
    """What keeps a unit from the place it should be at."""
    site = want.place.site
    if want.refused is not None:
        return Waiting(want.unit, f"it may not be at {site}: {want.refused}", "plan again")
    if site in world.lost:
        return Waiting(want.unit, f"{site} is lost", f"plan again without it, or `situs found {site}`")
    if site in world.drained:
        return Waiting(
            want.unit, f"{site} is drained", f"plan again without it, or `situs drain {site} --end`"
        )
    return _no_answer(want.unit, site, world.sights.get(site))


def is_lost(run: Run, world: World) -> bool:
    """Whether its site is taken to be gone, and gives no sign of life."""
    gone = run.site in world.lost or (run.site, run.workload) in world.silent
    return gone and away(run, world) is not None


def bereft(run: Run, want: Wanted | None, world: World) -> Waiting | None:
    """Why a unit waits for its site though that is lost: it has no other place, or nothing to go on from."""
    if want is None or want.place.site == run.site:
        text = f"{run.site} is lost, and the plan has no other place for it"
        return Waiting(unit_of(run), text, f"`situs explain {run.workload}` tells why")
    if not want.restart and run.started_at is not None:
        return Waiting(
            unit_of(run),
            f"{run.site} is lost, and what it has saved stands there alone",
            "let it begin anew with `site_loss: {restart: true}`, or wait for the site",
        )
    return None


def leased(run: Run, want: Wanted, world: World) -> Waiting | None:
    """Its lease may not be over: until then it may run; one that was started without a lease always may."""
    lasts = f"{run.site} is lost, and its lease there may last"
    if world.leased is None:
        return Waiting(unit_of(run), lasts, "it goes on elsewhere then") if want.leased else None
    until = world.leased.get(key_of(run))
    if until is None and want.leased:
        text = f"{run.site} is lost, and it must not run twice, but was started there without a lease"
        return Waiting(unit_of(run), text, f"it goes on once {run.site} answers")
    if until is None or world.now >= until:
        return None
    return Waiting(unit_of(run), lasts, "it goes on elsewhere then", until)


def away(run: Run, world: World) -> Waiting | None:
    return _no_answer(unit_of(run), run.site, world.sights.get(run.site))


def _no_answer(unit: Unit, site: str, sight: Sight | None) -> Waiting | None:
    if sight is None:
        return Waiting(unit, f"{site} has not answered yet", "it goes on once it has")
    if not sight.ok:
        return Waiting(unit, sight.cause or f"{site} does not answer", sight.next_step or "it is asked again")
    return None


def delayed(run: Run, world: World) -> Waiting | None:
    if run.retry_at is None or world.now >= run.retry_at:
        return None
    return Waiting(
        unit_of(run),
        run.cause or "the last attempt failed",
        run.next_step or "it is tried again",
        run.retry_at,
    )
