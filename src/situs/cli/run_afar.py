"""``situs run`` at a server: its code is sent there, as far as it is not there, and what it writes is shown here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from situs.cli.output import error_console, language
from situs.cli.place import show, show_looked, shown
from situs.cli.queue_told import tell_queued
from situs.client.remote_jobs import PART_BYTES, NoPlaceThere

if TYPE_CHECKING:
    from situs.cli.run import Job
    from situs.client.remote import Remote

HOUR_S = 3600.0
WORDS = {
    "en": {"sending": "sending code: {there:.0f} of {size:.0f} MiB are there"},
    "de": {"sending": "sende Code: {there:.0f} von {size:.0f} MiB sind da"},
}


def run_afar(plane: Remote, job: Job) -> int:
    """Hand it in, and show what it writes; gives the exit code."""
    jobs, body = plane.jobs(), _body(job)
    if job.dry_run:
        show_looked(jobs.look(body), job.as_json)
        return 0
    body["code"] = jobs.send(job.taken.archive, lambda there, size: _tell_sent(job, there, size))
    try:
        place = jobs.hand_in(body, wait=job.wait)
    except NoPlaceThere as refused:
        show(refused.place, job.as_json)
        return 1
    if job.members is not None:
        from situs.cli.arrayed import attend
        from situs.control.arrays.making import Wanted

        wanted = Wanted(job.name, job.members, job.at_once, job.queue, job.priority, job.sites)
        return attend(plane, wanted, detach=job.detach, as_json=job.as_json)
    from situs.cli.attached import watch

    if job.queue is not None:
        told = tell_queued(job)
    elif place is None:
        told = {"name": job.name}
    elif job.detach:
        show(place, job.as_json)
        return 0
    else:
        told = shown(place, job.as_json)
    return 0 if job.detach else watch(plane, job.name, told, as_json=job.as_json)


def _body(job: Job) -> dict[str, Any]:
    """The request, but for the code. Raises InputError for words that say no amount."""
    from situs.control.asked import workload_of

    # Whatever is wrong is said before anything is sent, in the same words as on the spot.
    asked, workload = job.asked, workload_of(job.asked)
    shape = workload.shapes[0]
    body: dict[str, Any] = {
        "name": job.name, "command": list(asked.command), "use_case": asked.use_case, "queue": job.queue,
        "priority": job.priority, "accelerators": asked.accelerators, "accelerator": list(asked.accelerator),
        "accelerator_memory_gib": shape.accelerator_memory, "cpu": asked.cpu, "memory_gib": shape.memory,
        "nodes": asked.nodes, "hours": asked.hours, "sites": sorted(job.sites or ()), "data": list(asked.data),
        "env": dict(asked.env), "secrets": dict(asked.secrets), "state": list(asked.state), "retries": asked.retries,
        "timeout_s": asked.timeout_s, "packages": asked.packages, "python": asked.python, "image": asked.image,
    }  # fmt: skip
    # What is not asked for is not sent: a server that does not know it yet would refuse it.
    if asked.final:
        body["final"] = list(asked.final)
    if workload.min_runtime:
        body["min_runtime_s"] = workload.min_runtime * HOUR_S
    if workload.checkpoint is not None:
        body["checkpoint_every_s"] = workload.checkpoint.interval * HOUR_S
        body["checkpoint_size_gb"] = workload.checkpoint.size_gb
    members: Mapping[str, Any] = {}
    if job.members is not None:
        members = {"parameters": [dict(member) for member in job.members], "at_once": job.at_once}
    return {**body, **members}


def _tell_sent(job: Job, there: int, size: int) -> None:
    # What fits into one part is there before anybody could read of it.
    if size > PART_BYTES and not job.as_json:
        text = WORDS[language()]["sending"].format(there=there / 2**20, size=size / 2**20)
        error_console.print(text, style="dim", soft_wrap=True, markup=False)
