"""What becomes of a service that served and does not answer any more: pure functions of its run.

It gets no requests until it answers again.  When it goes on so it is started anew, with the back-off that failures
have, and as often as ``retries`` says; then it is left as it is, because what it depends on may come back.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from situs.control.backoff import STEADY
from situs.control.wanted import Step, Waiting, Wanted, World, key_of
from situs.store.runs import UNHEALTHY, Run

NO_REQUESTS = "it gets no requests until it answers again"


def fallen_ill(run: Run, cause: str, now: datetime, anew: bool) -> Run:
    """It fails its check for sure. ``anew``: nobody knows how it was in the meantime, so its time begins again."""
    since = now if run.unhealthy_at is None or anew else run.unhealthy_at
    return replace(run, unhealthy_at=since, cause=cause, next_step=NO_REQUESTS)


def recovered(run: Run, now: datetime) -> Run:
    """It answers again."""
    return replace(run, unhealthy_at=None, ready_at=now, cause=None, next_step=None)


def restarting(run: Run, cause: str) -> Run:
    """It is to end, and another one is to begin in its place."""
    return replace(
        run,
        phase="leaving",
        reason=UNHEALTHY,
        cause=cause,
        next_step="it is started anew",
        tries=0,
        retry_at=None,
    )


def is_restarting(run: Run | None) -> bool:
    """Whether another one is to begin in its place, or has not yet."""
    return run is not None and run.reason == UNHEALTHY


def restarts_before(run: Run) -> int:
    """How often its unit was started anew without being well for long."""
    if run.unhealthy_at and run.ready_at and run.unhealthy_at - run.ready_at > STEADY:
        return 0
    return run.failures


def of_unhealthy(run: Run, want: Wanted, world: World) -> Step | Waiting:
    """What is done about one that is unhealthy."""
    assert run.unhealthy_at is not None
    cause, after_s = f"it is unhealthy: {run.cause}", want.check.restart_after
    if after_s is None:
        return Waiting(want.unit, cause, NO_REQUESTS)
    before = restarts_before(run)
    if before >= want.retries:
        often = f"; starting it anew did not help, {before} {'time' if before == 1 else 'times'}"
        return Waiting(
            want.unit,
            cause + (often if before else ""),
            f"{NO_REQUESTS}, and is not started anew: read its output, and apply a plan with what puts it right",
        )
    until = run.unhealthy_at + timedelta(seconds=after_s)
    if world.now < until:
        return Waiting(want.unit, cause, f"{NO_REQUESTS}; else it is started anew", until)
    if key_of(run) not in world.failing:
        # Whoever leads now has not seen it fail: it may be well.
        return Waiting(want.unit, cause, f"{NO_REQUESTS}; else it is started anew")
    return Step("restart", key_of(run), run.site, f"{cause}, for {after_s:g} s")
