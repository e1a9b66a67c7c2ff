"""What Slurm's words for a job mean for a run that has left no record of its end."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from situs.sites.adapter import Reason, Status, Usage

RECORD_S = 45.0
"""A record that a node has written may be seen elsewhere only after the shared folder's caches have aged."""
QUEUED = {
    "PENDING",
    "CONFIGURING",
    "REQUEUED",
    "REQUEUE_FED",
    "REQUEUE_HOLD",
    "SPECIAL_EXIT",
    "RESV_DEL_HOLD",
}
NEVER = "DependencyNeverSatisfied"
"""Slurm's reason for ending a job that waits for others, and the state that such a job is taken to be in."""
ENDS: Mapping[str, tuple[Reason, str]] = {
    "CANCELLED": ("cancelled", "the job was cancelled at the site, not by situs"),
    "PREEMPTED": ("cancelled", "the site took the nodes away for other work (preempted)"),
    "REVOKED": ("cancelled", "another cluster of the federation took the job (revoked)"),
    "TIMEOUT": ("timeout", "the job reached the time limit of its partition"),
    "DEADLINE": ("timeout", "the job reached its deadline"),
    "OUT_OF_MEMORY": ("memory", "the node's kernel ended it for want of memory"),
    NEVER: ("dependency", "what it waits for by the site's option dependency did not end as that asks"),
    "NODE_FAIL": ("lost", "a node failed"),
    "BOOT_FAIL": ("lost", "a node did not boot"),
}


@dataclass(frozen=True)
class Job:
    """What Slurm says about a job."""

    number: str
    state: str | None
    """Slurm's word for it; None: Slurm does not know the job any more"""
    place: str = ""
    """the nodes that it is on, or why it waits"""
    ended_ago_s: float = 0.0
    """by the cluster's clock"""


@dataclass(frozen=True)
class Seen:
    """What was seen of a run at its site."""

    ended: Mapping[str, Any] | None
    """the record of its end"""
    asked_to_stop: bool = False
    job: Job | None = None
    """None: it has none, or nobody had to be asked about it"""

    @property
    def final(self) -> Mapping[str, Any] | None:
        """The record of its end, unless only Slurm knows why it ended it."""
        return None if self.ended is None or self.ended["reason"] == "site" else self.ended


@dataclass(frozen=True)
class Verdict:
    """A status, and whether it is settled for good though no record says so."""

    status: Status
    settle: bool = False


def record(text: str) -> dict[str, Any]:
    """The record of an end. Raises ValueError for anything else."""
    content = json.loads(text)
    if not isinstance(content, dict) or "reason" not in content:
        raise ValueError(f"no record of an end: {text[:100]!r}")
    return content


def recorded(content: Mapping[str, Any]) -> Status:
    """The status that a record of an end tells."""
    usage = None
    if content.get("wall_s") is not None:
        usage = Usage(
            float(content["wall_s"]), _cpu_s(content.get("cpu") or ""), int(content["peak_bytes"]) / 2**30
        )
    return Status("ended", content["exit_code"], content["reason"], usage, content.get("detail"))


def seen(told: Mapping[str, str]) -> Seen:
    """What :data:`~situs.sites.slurm.scripts.STATUS` saw, from the first word of each of its lines to the rest."""
    job = None
    if number := told.get("id"):
        if "past" in told:
            job = _past(number, told["past"])
        else:
            job = _present(number, told["job"], told["now"]) if "job" in told else Job(number, None)
    return Seen(record(told["ended"]) if "ended" in told else None, "stop" in told, job)


def judged(job: Job | None, asked_to_stop: bool) -> Verdict:
    """Where a run without a record of its end is, by what Slurm says of its job."""
    if job is None:
        return Verdict(Status("absent"))
    if job.state is None:
        detail = f"Slurm no longer knows job {job.number}, and the job has left no record of its end"
        return Verdict(_ended("stopped" if asked_to_stop else "lost", detail), settle=True)
    state, place, number = job.state, job.place, job.number
    if state in QUEUED:
        return Verdict(Status("queued", detail=f"job {number} waits{place and f' ({place})'}"))
    if state in ("COMPLETED", "FAILED"):
        if asked_to_stop:
            return Verdict(_ended("stopped", None), settle=True)
        if job.ended_ago_s < RECORD_S:
            return Verdict(Status("running", detail=f"job {number} has ended, its record is not here yet"))
        detail = f"job {number} ended as {state} but left no record; does its node see and may it write the folder?"
        return Verdict(_ended("lost", detail), settle=True)
    if state in ENDS:
        reason, detail = ENDS[state]
        if reason == "cancelled" and asked_to_stop:
            return Verdict(_ended("stopped", None), settle=True)
        return Verdict(_ended(reason, f"job {number}: {detail}{place and f' ({place})'}"), settle=True)
    return Verdict(Status("running", detail=f"job {number}{place and f' on {place}'}"))


def settled(status: Status, before: Mapping[str, Any] | None) -> dict[str, Any]:
    """The record of an end that Slurm knows of; what the node has measured of it is kept."""
    return {**(before or {"exit_code": None}), "reason": status.reason, "detail": status.detail}


def _ended(reason: Reason, detail: str | None) -> Status:
    return Status("ended", None, reason, None, detail)


def _present(number: str, line: str, now: str) -> Job:
    """From a line of ``scontrol show job``."""
    state = job_state(_field(line, "JobState"), _field(line, "Reason"))
    place = _field(line, "Reason" if state in QUEUED else "NodeList")
    return Job(number, state, place_of(place), _age_s(_field(line, "EndTime"), now))


def _past(number: str, line: str) -> Job:
    """From a line of ``sacct``: State, ExitCode, End; long past, or Slurm would know it itself."""
    return Job(number, line.splitlines()[0].partition("|")[0].partition(" ")[0], "", RECORD_S)


def job_state(word: str, reason: str | None) -> str:
    """The state of a job, from Slurm's words for it and for why it is in it."""
    return NEVER if (word, reason) == ("CANCELLED", NEVER) else word


def place_of(text: str | None) -> str:
    """Nodes or why a job waits; empty where Slurm has nothing to say."""
    return "" if text in (None, "(null)", "None") else str(text)


def _field(line: str, name: str) -> str:
    match = re.search(rf"(?:^| ){name}=(\S*)", line)
    return match[1] if match else ""


def _age_s(end: str, now: str) -> float:
    try:
        return (datetime.fromisoformat(now) - datetime.fromisoformat(end)).total_seconds()
    except ValueError:
        return 0.0


def _cpu_s(text: str) -> float:
    """Seconds from what the shell's ``times`` prints, such as ``0m1.230s 0m0.040s``."""
    return sum(int(m) * 60 + float(s) for m, s in re.findall(r"(\d+)m([\d.]+)s", text))
