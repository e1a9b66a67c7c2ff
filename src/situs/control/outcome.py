"""What a step makes of a run: pure functions from a run and a result to the run as it is then."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from situs.control.backoff import STEADY, delay
from situs.control.reconcile import STALE
from situs.control.staging import Read
from situs.control.unhealthy import restarts_before
from situs.control.wanted import Step, Wanted, key_of
from situs.sites.adapter import Status
from situs.store.runs import UNHEALTHY, Outcome, Run


@dataclass(frozen=True)
class Result:
    """What came of a step at a site."""

    status: Status | None = None
    """where the run is after it; None: it is not known, or does not matter"""
    error: str | None = None
    """why it failed; None: it did not"""
    next_step: str | None = None
    """what can be done about the failure; None: it is tried again"""
    stale: bool = False
    """the site knows a higher generation"""
    refused: bool = False
    """the rules do not allow it there"""
    broken: bool = False
    """its work failed, though its program did not say so"""
    reads: tuple[Read, ...] = ()
    """data that it was handed"""


def placed(step: Step, want: Wanted, last: Run | None, plan: str | None, now: datetime) -> Run:
    """The unit's next run."""
    same = last is not None and last.spec == want.spec
    return Run(
        step.key.workload, step.key.unit, step.key.generation, want.place.site, want.place.pool, want.place.shape,
        want.spec, plan, "placed", now, failures=last.failures if last and same else 0,
        losses=last.losses if last and same else 0,
    )  # fmt: skip


def adopted(step: Step, want: Wanted | None, others_alive: bool, plan: str | None, now: datetime) -> Run:
    """A run that was found at a site: it may go on where the unit is to be, else it is to end."""
    fits = want is not None and want.place.site == step.site and not others_alive
    pool, shape, spec = (want.place.pool, want.place.shape, want.spec) if fits and want else ("", "", "")
    return Run(
        step.key.workload, step.key.unit, step.key.generation, step.site, pool, shape, spec, plan,
        "placed" if fits else "leaving", now, started_at=now, cause=None if fits else step.cause,
    )  # fmt: skip


def leaving(run: Run, cause: str) -> Run:
    """It is to end, and that is for good."""
    return replace(run, phase="leaving", cause=cause, next_step="it is ended", tries=0, retry_at=None)


def abandoned(run: Run, now: datetime) -> Run:
    """Its site is lost: the unit goes on without it, and it is ended once somebody answers there."""
    return replace(
        run, abandoned_at=now, cause=f"{run.site} is lost", tries=0, retry_at=None,
        next_step="it is ended and cleared away once its site answers",
    )  # fmt: skip


def after(step: Step, run: Run, result: Result, want: Wanted | None, now: datetime) -> Run:
    """The run once a step has come to its end, well or not."""
    if result.stale and step.kind == "start":
        return replace(_settled(run), phase="ended", outcome="unstarted", reason=STALE, ended_at=now)
    if result.refused:
        return leaving(run, result.error or "the rules do not allow it there")
    if result.error is not None and not result.broken:
        return _failed_step(step, run, result, now)
    run = _settled(run)
    if step.kind in ("release", "sweep"):
        return replace(run, phase="released")
    status = result.status
    assert status is not None
    if step.kind == "start":
        return replace(run, started_at=now)
    # It was seen as ended and is not: an old sight, which the next one puts right.
    return run if status.alive else _over(run, result, status, want, now)


def _failed_step(step: Step, run: Run, result: Result, now: datetime) -> Run:
    tries = run.tries + 1
    return replace(
        run, tries=tries, retry_at=now + delay(tries, f"{key_of(run)}/{step.kind}"),
        cause=f"{step.kind} failed: {result.error}", next_step=result.next_step or "it is tried again",
    )  # fmt: skip


def _settled(run: Run) -> Run:
    return replace(run, cause=None, next_step=None, tries=0, retry_at=None)


def _over(run: Run, result: Result, status: Status, want: Wanted | None, now: datetime) -> Run:
    outcome = _outcome(run, result, status)
    asked = run.phase == "leaving"
    ran = now - run.started_at if run.started_at else timedelta(0)
    failures, losses = (0, 0) if outcome == "succeeded" or ran > STEADY else (run.failures, run.losses)
    if run.reason == UNHEALTHY:
        failures, losses = restarts_before(run) + 1, 0
    elif not asked and outcome == "failed":
        failures += 1
    elif not asked and (outcome in ("lost", "stopped") or (want is not None and want.service)):
        losses += 1
    began = run.started_at
    if began is None and status.state == "ended":
        # Its site never got to confirm it, but it has run: the next one goes on from what it left.
        began = now
    return replace(
        run, phase="ended", started_at=began, outcome=outcome, exit_code=status.exit_code,
        reason=run.reason or status.reason, ended_at=now, failures=failures, losses=losses,
        cause=result.error or status.detail or (run.cause if run.reason == UNHEALTHY else None),
    )  # fmt: skip


def _outcome(run: Run, result: Result, status: Status) -> Outcome:
    if run.reason == UNHEALTHY:
        return "failed"
    if status.state == "absent":
        return "lost" if run.started_at else "unstarted"
    if result.broken:
        return "failed"
    if status.succeeded:
        return "succeeded"
    if status.reason == "stopped":
        return "stopped"
    return "lost" if status.reason in ("lost", "cancelled", "lapsed") else "failed"
