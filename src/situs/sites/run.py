"""Carries out a plan on sites that this machine can start things on: data in, run, results out.

Every step is written to a journal before and after it is done, so that a run that was cut off goes on where
it stopped: what has ended well is not done again.
"""

from __future__ import annotations

import json
import os
import sys
import time
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from graphlib import TopologicalSorter
from http.client import HTTPException
from math import ceil
from pathlib import Path

from situs.model.error import SitusError
from situs.model.intent import Intent
from situs.model.plan import Assignment, Plan
from situs.model.refusal import Refusal
from situs.model.workload import called, variable_of
from situs.policy import Policy
from situs.sites.adapter import Key, Status, Task
from situs.sites.local import LocalSite
from situs.sites.secrets import secrets
from situs.sites.writing import copied

LONGEST_STEP_S = 3600.0
"""A job without a time limit of its own is waited for so long."""
NOTICE_S = 10.0
"""A site ends a step at its limit; so much later at the latest it has written that down."""
LONGEST_READY_S = 60.0
"""A service that loads its model needs seconds; one that says nothing for a minute has another fault."""
ANSWER_S = 2.0
"""A health check that takes longer is not healthy."""


class Refused(SitusError):
    """The rules do not allow a workload at a place; nothing was sent there."""

    def __init__(self, workload: str, site: str, refusals: tuple[Refusal, ...]) -> None:
        self.refusals = refusals
        super().__init__(f"{workload} may not run at {site}: {', '.join(r.rule for r in refusals)}")


@dataclass(frozen=True)
class Step:
    """One workload that was run, or is still serving."""

    workload: str
    assignment: Assignment
    key: Key
    status: Status
    rate_per_hour: Decimal
    """what the place costs while it is used, in the plan's currency"""
    address: str | None = None
    """of a service"""

    @property
    def cost(self) -> Decimal:
        """Metered time at the rate of the place."""
        usage = self.status.usage
        return Decimal(0) if usage is None else self.rate_per_hour * Decimal(str(usage.wall_s)) / 3600


class Journal:
    """Append-only lines; each is on disk before the next step begins."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path

    def write(self, event: str, **details: object) -> None:
        """Add one line."""
        line = json.dumps({"at": datetime.now(UTC).isoformat(), "event": event, **details}, default=str)
        with self._path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")
            file.flush()
            os.fsync(file.fileno())


class Runner:
    """Runs the workloads of a plan that say how they are started."""

    def __init__(
        self,
        plan: Plan,
        intent: Intent,
        folder: Path,
        files: Path,
        rate: Callable[[Assignment], Decimal],
        policy: Policy,
        generation: int = 1,
    ) -> None:
        """``files`` is the folder that ``run.files`` are relative to; ``rate`` prices a place by the hour;
        ``policy`` is asked before anything goes to a site, whatever the plan says."""
        self._plan = plan
        self._policy = policy
        self._intent = intent
        self._folder = folder
        self._files = files
        self._rate = rate
        self._generation = generation
        self._sites = {name: LocalSite(folder / "sites" / name / "runs") for name in intent.sites}
        self.journal = Journal(folder / "journal.jsonl")

    def data(self, site: str, dataset: str) -> Path:
        """Where a site keeps its replica of a dataset."""
        return self._folder / "sites" / site / "data" / dataset

    def place_replicas(self) -> None:
        """Make the copies that the plan asks for; what is there already is left alone."""
        for replica in self._plan.replicas:
            target = self.data(replica.site, replica.dataset)
            if replica.change != "create" or replica.source is None or target.exists():
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            digest = copied(self.data(replica.source, replica.dataset), target)
            self.journal.write(
                "replica", dataset=replica.dataset, source=replica.source, site=replica.site, sha256=digest
            )

    def order(self) -> list[str]:
        """Workloads in an order in which each comes after what it needs."""
        maker = {o.dataset: name for name, w in self._intent.workloads.items() for o in w.outputs}
        graph: dict[str, set[str]] = {}
        for name, workload in sorted(self._intent.workloads.items()):
            if workload.run is not None:
                needed = {maker[i.dataset] for i in workload.inputs if i.dataset in maker}
                graph[name] = (needed | set(workload.after)) - {name}
        return [name for name in TopologicalSorter(graph).static_order() if name in graph]

    def run(self, name: str, at: Assignment | None = None) -> Step:
        """Run one workload where the plan put it, or where somebody insists.

        Raises Refused before anything is sent to a place that the rules do not allow, and SitusError with
        the end of its output when the work fails.
        """
        workload = self._intent.workloads[name]
        decision = self._plan.decision(name)
        if not decision.assignments or workload.run is None:
            raise SitusError(f"{name} has no place in plan {self._plan.id[:19]}: {decision.reason}")
        assignment = at or decision.assignments[0]
        refusals = self._policy.workload_refusals(name, assignment.site)
        if refusals:
            rules = [refusal.rule for refusal in refusals]
            self.journal.write("refused", workload=name, site=assignment.site, rules=rules)
            raise Refused(name, assignment.site, refusals)
        site = self._sites[assignment.site]
        key = Key(name, self._generation)
        # A service has no end, so its limit is one on getting ready.
        limit = None if workload.service is not None else workload.run.timeout or LONGEST_STEP_S
        before = site.status(key)
        if before.state == "absent":
            self.journal.write("start", workload=name, site=assignment.site, pool=assignment.pool)
            env = self._stage(name, assignment, key)
            command = tuple(sys.executable if part == "python" else part for part in workload.run.command)
            shape = next(shape for shape in workload.shapes if shape.name == assignment.shape)
            found = secrets(workload.run.secrets, self._files, workload.use_case)
            memory_gib, cpus = shape.memory or None, ceil(shape.cpu) or None
            image = workload.run.image
            site.start(Task(key, command, env, limit, memory_gib, cpus, secrets=found, image=image))
        if workload.service is not None:
            return self._serving(name, assignment, key)
        status = site.wait(key, (limit or 0.0) + NOTICE_S)
        if not status.succeeded:
            output, _ = site.logs(key)
            tail = output.decode(errors="replace").strip().splitlines()[-5:]
            raise SitusError(
                f"{name} ended as {status.reason} with exit code {status.exit_code}: " + " / ".join(tail)
            )
        files = called(self._intent.workloads[name].outputs)
        for dataset, home in assignment.writes.items():
            digest = site.get(key, files[dataset], self.data(home, dataset))
            self.journal.write("output", workload=name, dataset=dataset, site=home, sha256=digest)
        self.journal.write("end", workload=name, exit_code=status.exit_code)
        return Step(name, assignment, key, status, self._rate(assignment))

    def _serving(self, name: str, assignment: Assignment, key: Key) -> Step:
        """A service says on its first line which address it listens on."""
        site = self._sites[assignment.site]
        run = self._intent.workloads[name].run
        assert run is not None
        deadline = time.monotonic() + (run.timeout or LONGEST_READY_S)
        address = None
        while address is None or (run.health is not None and not _answers(address + run.health)):
            status = site.wait(key, 0.02)
            seen, _ = site.logs(key)
            if status.state != "running":
                raise SitusError(f"{name} did not stay up: {seen.decode(errors='replace').strip()[-300:]}")
            if time.monotonic() > deadline:
                site.stop(key, grace_s=0.0)
                raise SitusError(
                    f"{name} runs but was not ready in time: its first line must be its address"
                    + (f", and {run.health} must answer 200" if run.health else "")
                )
            if b"\n" in seen:
                address = seen.decode(errors="replace").splitlines()[0].strip()
        self.journal.write("serving", workload=name, address=address)
        return Step(name, assignment, key, status, self._rate(assignment), address)

    def output(self, step: Step) -> str:
        """All that a step has printed so far."""
        return self._sites[step.assignment.site].logs(step.key)[0].decode(errors="replace")

    def stop(self, step: Step) -> Step:
        """End a service; gives the step with its usage."""
        status = self._sites[step.assignment.site].stop(step.key, grace_s=2.0)
        self.journal.write("stop", workload=step.workload, reason=status.reason)
        return Step(step.workload, step.assignment, step.key, status, step.rate_per_hour, step.address)

    def stop_all(self) -> None:
        """End whatever still runs, at every site."""
        for site in self._sites.values():
            for key in site.known():
                if site.status(key).state == "running":
                    site.stop(key, grace_s=0.5)

    def _stage(self, name: str, assignment: Assignment, key: Key) -> Mapping[str, str]:
        """Bring files and data to the run's folder; gives the environment that says where they are."""
        workload = self._intent.workloads[name]
        assert workload.run is not None
        site = self._sites[assignment.site]
        env = {**workload.run.env, "SITUS_SITE": assignment.site, "SITUS_POOL": assignment.pool}
        for file in workload.run.files:
            site.put(key, self._files / file, file)
        files = called(workload.inputs)
        for dataset, source in assignment.reads.items():
            digest = site.put(key, self.data(source, dataset), files[dataset])
            env[f"SITUS_INPUT_{variable_of(files[dataset])}"] = files[dataset]
            self.journal.write("input", workload=name, dataset=dataset, source=source, sha256=digest)
        for output in workload.outputs:
            env[f"SITUS_OUTPUT_{variable_of(output.file)}"] = output.file
        if workload.run.port is not None:
            env["SITUS_PORT"] = str(workload.run.port)
        return env


def _answers(url: str) -> bool:
    """Whether a service says that it is ready."""
    if not url.startswith(("http://", "https://")):
        return False
    try:
        with urllib.request.urlopen(url, timeout=ANSWER_S) as answer:  # noqa: S310 - checked above
            return bool(answer.status == 200)
    except (OSError, HTTPException):
        return False
