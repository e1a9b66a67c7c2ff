"""``situs run`` on the spot: handed in to the control plane of a folder, which is begun where none acts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from situs.cli.beginning import have_control, have_sites
from situs.cli.output import emit_json
from situs.cli.place import show, show_looked, shown
from situs.cli.plane import folder_of, place_of
from situs.cli.queue_told import tell_queued
from situs.cli.server import on_the_spot

if TYPE_CHECKING:
    from situs.cli.counter import Unanswered
    from situs.cli.run import Job
    from situs.control.here import Here
    from situs.model.workload import Workload


def run_here(job: Job, estate: Path, db: str | None, who: str) -> int:
    """Hand it in, and show what it writes; gives the exit code."""
    from situs.cli.counter import Unanswered, handed_in
    from situs.control.counter.line import called

    unanswered = None
    if not (job.dry_run or job.wait or job.queue or job.members) and (line := called(folder_of(estate))):
        told = {
            "by": who,
            "sites": sorted(job.sites) if job.sites else None,
            "hours": job.hours,
            "follow": not job.detach,
            "database": place_of(db, estate),
        }
        try:
            return handed_in(line, job.name, job.asked, job.taken.archive, told, as_json=job.as_json)
        except Unanswered as left:
            unanswered = left
    from situs.control import submitting
    from situs.control.asked import workload_of
    from situs.control.here import here as open_here

    workload, place = workload_of(job.asked), open_here(estate, db, new=True)
    if unanswered is not None and submitting.found(place.database, job.name) is not None:
        return _resumed(place, job, unanswered)
    has_estate = have_sites(place, who)
    if job.members is not None:
        return _as_array(place, who, job, workload, has_estate)
    if job.queue is None or job.dry_run:
        return _beside(place, who, job, workload, has_estate)
    have_control(place, replan=has_estate)
    return _in_queue(place, who, job, workload)


def _beside(place: Here, who: str, job: Job, workload: Workload, has_estate: bool) -> int:
    """Where there is room now, beside the plan in force."""
    from situs.cli.attached import watch
    from situs.control import submitting
    from situs.control.foreseen import foreseen_run

    if job.dry_run:
        looked = submitting.look(place.database, job.name, workload, job.sites)
        show_looked(foreseen_run(job.name, looked, job.hours, place.folder), job.as_json)
        return 0
    have_control(place, replan=has_estate)
    submit = submitting.submit_when_there_is_room if job.wait else submitting.submit
    try:
        placed = submit(place.database, job.name, workload, {".": job.taken.archive}, who, job.sites)
    except submitting.NoPlace as refused:
        show(foreseen_run(job.name, refused.placed, job.hours, place.folder), job.as_json)
        return 1
    found = foreseen_run(job.name, placed, job.hours, place.folder)
    if job.detach:
        show(found, job.as_json)
        return 0
    return watch(on_the_spot(place), job.name, shown(found, job.as_json), as_json=job.as_json)


def _in_queue(place: Here, who: str, job: Job, workload: Workload) -> int:
    """Hand it in to a queue, unless it can never run."""
    from situs.cli.attached import watch
    from situs.control import submitting
    from situs.control.foreseen import foreseen_run
    from situs.control.queues.handing_in import hand_in_work
    from situs.model.plan import Fit

    assert job.queue is not None
    placed = submitting.look(place.database, job.name, workload)
    if placed.fit is Fit.NEVER:
        show(foreseen_run(job.name, placed, None, place.folder), job.as_json)
    hand_in_work(place.database, job.queue, job.name, workload, {".": job.taken.archive}, job.priority, who)
    told = tell_queued(job)
    return 0 if job.detach else watch(on_the_spot(place), job.name, told, as_json=job.as_json)


def _as_array(place: Here, who: str, job: Job, workload: Workload, has_estate: bool) -> int:
    """Make an array of it, unless its members can never run."""
    from situs.cli.arrayed import attend
    from situs.control.arrays.making import Wanted, look, make
    from situs.control.foreseen import foreseen_run
    from situs.model.plan import Fit

    assert job.members is not None
    wanted = Wanted(job.name, job.members, job.at_once, job.queue, job.priority, job.sites)
    placed = look(place.database, wanted, workload)
    if job.dry_run or placed.fit is Fit.NEVER:
        show(foreseen_run(job.name, placed, job.hours, place.folder), job.as_json)
        return 0
    have_control(place, replan=has_estate)
    make(place.database, wanted, workload, {".": job.taken.archive}, who)
    return attend(on_the_spot(place), wanted, detach=job.detach, as_json=job.as_json)


def _resumed(place: Here, job: Job, left: Unanswered) -> int:
    """A control plane that ended meanwhile had handed it in already."""
    from situs.cli.attached import watch

    told = left.told or {"name": job.name}
    if left.told is None:
        # It ended before anybody was told, perhaps before it had begun anything.
        have_control(place, replan=True)
    if job.detach:
        if job.as_json:
            emit_json(told)
        return 0
    return watch(on_the_spot(place), job.name, told, as_json=job.as_json, since=left.since)
