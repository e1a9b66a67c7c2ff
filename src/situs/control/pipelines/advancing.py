"""Handing in each stage of a pipeline once what it needs is there, for as long as this control plane leads.

It looks where the stage is to be by the decision about all stages together, and elsewhere only when there is no room
there.  What it writes can be written once only: a stage is a submission, and their names are never used again.  So
it does not matter when it is killed, or whether another one has taken its place.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from sqlalchemy import Connection

from situs.control import submitting
from situs.control.data.replicas import Replicas
from situs.control.pace import Pace
from situs.control.pipelines import standing
from situs.control.pipelines.document import Pipeline, kept
from situs.control.pipelines.standing import ALIVE, StageStanding, Standing
from situs.control.recurring import Recurring
from situs.control.submitting import NoPlace
from situs.model.error import SitusError
from situs.model.plan import Fit
from situs.store import events, pipelines, plans, submissions
from situs.store.database import Database, DatabaseAway, clock
from situs.store.events import BY, Event
from situs.store.pipelines import Artefact, Done

AGAIN_S = 2.0
"""A stage that finds no room looks again so often."""
BYTES_IN_GB = 1e9


class Changed(SitusError):
    """People have done something about it meanwhile, which is to be read first."""


class Advancing(Recurring):
    """Goes on with all pipelines."""

    def __init__(
        self,
        database: Database,
        folder: Path,
        pace: Pace,
        wake: Callable[[], None],
        say: Callable[[str], None],
    ) -> None:
        """``folder``: where the sites' data are kept; ``wake``: is called when something was handed in."""
        super().__init__("pipelines", pace.poll_s)
        self._database = database
        self._folder = folder
        self._wake = wake
        self._say = say
        self._over: dict[str, int] = {}
        """pipelines of which nothing runs or will, by the number of what people did last about them"""
        self._quiet: int | None = None
        """how much people had done when all were over: until they do more, there is nothing to look at"""
        self._known: dict[str, Pipeline] = {}
        self._later: dict[str, float] = {}
        """when to look again for a place"""
        self._told: dict[str, str] = {}

    def again(self) -> None:
        """Look at all that are not over."""
        with self._database.read() as connection:
            version = pipelines.version(connection)
            if version == self._quiet:
                return
            newest = pipelines.all_newest(connection)
        for last in newest:
            if self._over.get(last.name) == last.seq:
                continue
            try:
                self._advance(last)
            except DatabaseAway:
                raise
            except SitusError as error:
                self._tell(last.name, f"it does not go on: {error}")
            except Exception as error:
                # One that cannot go on must not keep the others from it.
                self._tell(last.name, f"it does not go on: {type(error).__name__}: {error}; report it")
        if all(self._over.get(last.name) == last.seq for last in newest):
            self._quiet = version

    def _advance(self, last: Done) -> None:
        with self._database.read() as connection:
            pipeline = self._pipeline(connection, last)
            found = standing.of(connection, pipeline, last)
        for stage in found.stages:
            if stage.state == "ending" and stage.run is not None and stage.run.outcome == "succeeded":
                self._register(pipeline, stage)
        if last.act in ("stopped", "removed"):
            self._end(last, found)
        else:
            ready = {stage.name for stage in found.stages if stage.is_satisfied}
            for stage in found.stages:
                if stage.state == "waiting" and ready.issuperset(stage.needs):
                    self._submit(pipeline, stage, last)
        if found.is_over:
            self._over[last.name] = last.seq
            self._known.pop(last.name, None)

    def _pipeline(self, connection: Connection, last: Done) -> Pipeline:
        if last.name not in self._known:
            self._known[last.name] = kept(last.name, pipelines.described(connection, last.content))
        return self._known[last.name]

    def _register(self, pipeline: Pipeline, stage: StageStanding) -> None:
        """Write down what a stage has made, how large it is and how it is to be handled."""
        with self._database.write() as connection:
            submission = submissions.newest(connection, stage.workload)
            assert submission is not None
            own = plans.load(connection, submission.plan)
            at = own.plan.decision(stage.workload).assignments[0]
            for dataset, home in at.writes.items():
                found = Replicas(self._folder).find(home, dataset)
                size_gb = (
                    found.size_bytes / BYTES_IN_GB
                    if found is not None
                    else own.intent.datasets[dataset].size_gb
                )
                made = Artefact(
                    dataset, "made", clock(connection), pipeline.name, stage.workload, home, size_gb,
                    own.intent.datasets[dataset],
                )  # fmt: skip
                pipelines.write_made(connection, made)

    def _submit(self, pipeline: Pipeline, stage: StageStanding, last: Done) -> None:
        if time.monotonic() < self._later.get(stage.workload, 0.0):
            return
        workload, makes = pipeline.stages[stage.name], pipeline.made_by(stage.name)
        assert workload.run is not None
        needed = (*workload.run.files, *filter(None, [workload.run.code]))
        with self._database.read() as connection:
            files = {name: plans.content(connection, pipeline.files[name]) for name in needed}
        trouble = ""
        for sites in (frozenset({stage.planned}), None):
            try:
                placed = submitting.submit(
                    self._database, stage.workload, workload, files, last.by, sites, makes,
                    guard=partial(_must_be_newest, last=last),
                )  # fmt: skip
            except Changed:
                return
            except NoPlace as error:
                where = f"{stage.planned} has no room" if sites and error.placed.fit is Fit.AT else str(error)
                trouble = where if sites else f"{trouble}, and {error}"
                continue
            except DatabaseAway:
                raise
            except SitusError as error:
                trouble = str(error)
                continue
            at = placed.decision.assignments[0]
            self._say(f"{stage.workload} goes to {at.site}/{at.pool}")
            self._wake()
            return
        self._later[stage.workload] = time.monotonic() + AGAIN_S
        self._tell(stage.workload, f"{trouble}; it is looked for again")

    def _end(self, last: Done, found: Standing) -> None:
        for stage in found.stages:
            if last.act == "stopped" and stage.state in ALIVE:
                submitting.stop(self._database, stage.workload, last.by, last.reason)
            for name in stage.attempts:
                if last.act == "removed" and submitting.found(self._database, name) is not None:
                    submitting.remove(self._database, name, last.by)
        if last.act == "removed" and found.is_over:
            self._drop(last.name)
        self._wake()

    def _drop(self, name: str) -> None:
        """What it made goes; that it did stays in the history."""
        with self._database.read() as connection:
            made = pipelines.made(connection, name)
        # Before it is written down: whoever goes on after a crash must know that there may be something left.
        replicas, names = Replicas(self._folder), {each.dataset for each in made}
        for site, dataset in [each for each in replicas.at_sites() if each[1] in names]:
            replicas.remove(site, dataset)
        with self._database.write() as connection:
            for each in made:
                dropped = Artefact(**{**vars(each), "act": "dropped", "at": clock(connection)})
                pipelines.write_made(connection, dropped)

    def _tell(self, workload: str, text: str) -> None:
        if self._told.get(workload) != text:
            self._told[workload] = text
            with self._database.write() as connection:
                events.write(connection, [Event(clock(connection), "waiting", BY, text, workload)])


def _must_be_newest(connection: Connection, last: Done) -> None:
    pipelines.one_at_a_time(connection)
    if pipelines.newest(connection, last.name) != last:
        raise Changed(f"something was done about {last.name}")
