"""Doing one step at a site.  Each may be done again after a crash at any instant within it.

``guard`` is asked before each call: it raises once this control plane no longer holds the lease, or the step has become
pointless.  That spares useless calls, and nothing depends on it: whatever is done here has been decided for good.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

from situs.control.checkpoints.copying import checkpoints_of, from_copy
from situs.control.data.missing import NoData
from situs.control.outcome import Result
from situs.control.staging import Bring, MissingOutput, Refused, Work, from_run
from situs.control.wanted import Step
from situs.model.error import SitusError
from situs.sites.adapter import Adapter, Key, StaleGeneration, Status
from situs.store.checkpoints import Copy
from situs.store.leases import LeaseLost

Guard = Callable[[], None]


class NoLongerWanted(SitusError):
    """What is begun has become pointless; whatever is there of it is ended and cleared away next."""


@dataclass(frozen=True)
class Job:
    """A step with all that is needed to do it."""

    step: Step
    work: Work | None
    """what the Target or the plan of the run says about it; None: it is not known any more"""
    source: tuple[str, Key] | None = None
    """site and run whose state it goes on from"""
    kept: tuple[Copy, str] | None = None
    """a checkpoint that was kept, and the site that it is brought from, which it goes on from instead"""
    grace_s: float = 10.0
    lease: Callable[[], float] | None = None
    """gives a lease that begins now, as the instant at which it ends; None: the run needs none"""


@dataclass(frozen=True)
class Done:
    """A step that has come to its end."""

    step: Step
    result: Result
    took_s: float = 0.0


def perform(job: Job, sites: Mapping[str, Adapter], guard: Guard) -> Result:
    """Do it; whatever goes wrong is in the result. Raises LeaseLost alone."""
    try:
        site = sites.get(job.step.site)
        if site is None:
            return Result(
                error=f"the estate has no site {job.step.site} any more",
                next_step=f"bring {job.step.site} back into the estate, and take it out once it is empty",
            )
        return _DONE_BY[job.step.kind](job, site, sites, guard)
    except LeaseLost:
        raise
    except StaleGeneration as error:
        return Result(error=str(error), stale=True)
    except Refused as error:
        return Result(error=str(error), refused=True)
    except NoData as error:
        return Result(error=str(error), next_step=error.next_step)
    except SitusError as error:
        return Result(error=str(error))
    except Exception as error:
        return Result(
            error=f"{type(error).__name__}: {error}",
            next_step="it is tried again; this is a fault, report it",
        )


def _start(job: Job, site: Adapter, sites: Mapping[str, Adapter], guard: Guard) -> Result:
    guard()
    key = job.step.key
    status = site.status(key)
    if status.state == "absent":
        if job.work is None:
            return Result(
                error="nothing is known of what is to be run",
                next_step="apply a plan that has it",
                refused=True,
            )
        staged = job.work.stage(key, site, _bring(job, sites), guard)
        task = staged.task
        if job.lease is not None:
            task = replace(task, lease_until=job.lease())
        guard()
        site.start(task)
        status = site.status(key)
        if status.state == "absent":
            return Result(error=f"{job.step.site} took it and does not know it")
        return Result(status, reads=staged.reads)
    return Result(status)


def _bring(job: Job, sites: Mapping[str, Adapter]) -> Bring | None:
    """How the state comes that it goes on from; None: it begins anew."""
    if job.kept is not None:
        copy, name = job.kept
        return from_copy(copy, checkpoints_of(name, sites.get(name)))
    if job.source is not None and job.source[0] in sites:
        return from_run(sites[job.source[0]], job.source[1])
    return None


def _close(job: Job, site: Adapter, _sites: Mapping[str, Adapter], guard: Guard) -> Result:
    guard()
    _never_again(job, site)
    return _result(job, site, site.status(job.step.key), guard)


def _stop(job: Job, site: Adapter, _sites: Mapping[str, Adapter], guard: Guard) -> Result:
    guard()
    _never_again(job, site)
    status = site.status(job.step.key)
    if status.alive:
        guard()
        status = site.stop(job.step.key, job.grace_s)
    if status.alive:
        return Result(status, error=f"it still runs {job.grace_s:g} s after it was to end")
    return _result(job, site, status, guard)


def _release(job: Job, site: Adapter, _sites: Mapping[str, Adapter], guard: Guard) -> Result:
    guard()
    _never_again(job, site)
    if site.status(job.step.key).alive:
        site.stop(job.step.key, job.grace_s)
    guard()
    site.forget(job.step.key)
    return Result()


def _never_again(job: Job, site: Adapter) -> None:
    """Have the site refuse this run from now on: what it says of it then stays true."""
    key = job.step.key
    with suppress(StaleGeneration):
        site.fence(Key(key.workload, key.generation + 1, key.unit))


def _result(job: Job, site: Adapter, status: Status, guard: Guard) -> Result:
    if status.succeeded and job.work is not None:
        guard()
        try:
            job.work.collect(job.step.key, site)
        except MissingOutput as error:
            return Result(status, error=str(error), broken=True)
    return Result(status)


_DONE_BY: Mapping[str, Callable[[Job, Adapter, Mapping[str, Adapter], Guard], Result]] = {
    "start": _start,
    "close": _close,
    "stop": _stop,
    "release": _release,
    "sweep": _release,
}
