"""A database with at least a row in each table, written by what writes them in earnest."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from sqlalchemy import select

from situs.facts import Facts
from situs.model.checkpoint import StateFile
from situs.model.data import Dataset
from situs.model.intent import Intent
from situs.store import (
    answers,
    arrays,
    checkpoints,
    events,
    holds,
    leases,
    observations,
    pipelines,
    plans,
    proposals,
    queued,
    replans,
    runs,
    steps,
    submissions,
    sweeps,
    tokens,
    usage,
)  # fmt: skip
from situs.store.database import Database
from situs.store.tables import contents
from tests.store.estates import AT
from tests.store.plans import plan_by_hand

NOW = datetime(2026, 11, 23, 8, 0, 0, 123456, tzinfo=UTC)
RUN = runs.Run("train", 0, 1, "hoster", "gpu", "default", "abc", None, "placed", NOW)


def fill(database: Database, intent: Intent, facts: Facts) -> None:
    """At least a row in each table."""
    plan = plan_by_hand(intent, {"train": [("hoster", "gpu", 1)]}, AT)
    lease = leases.acquire(database, "executor", "one", 30)
    assert lease
    with database.write() as connection:
        plans.keep(connection, plan, intent, facts, {"train.py": b"print('hi')\n\xff"})
        plans.put_in_force(connection, plan.id, None, "apply", "ann", "first")
        runs.save(connection, [replace(RUN, plan=plan.id)])
        steps.write(
            connection, [steps.Entry("s1", "begun", NOW, lease.token, "start", "train", 0, 1, "hoster")]
        )
        events.write(connection, [events.Event(NOW, "placed", "situs", "Größe – 1", "train", 0, 1, "hoster")])
        seen = observations.Observation("hoster", NOW, True, None, None, 0.25, {"cpus": 4}, {"a": "running"})
        observations.save(connection, [seen])
        line = usage.Line("run", "hoster", "gpu", NOW, NOW, 1.5, Decimal("0.000001"), "EUR", "train", 0, 1)
        usage.write(connection, [line])
        holds.put(connection, "drain", "cloud", "ann", "repair")
        holds.put(connection, "back", "train", "ann", "too slow", plan=plan.id)
        submissions.add(connection, 0, "submitted", "job", plan.id, "ann", "first")
        work = queued.keep_work(connection, intent.workloads["train"], {"train.py": b"print('hi')\n\xff"})
        queued.add(connection, "handed_in", [queued.Asked("other", "research", work, 50)], "ann", "first")
        replans.write(connection, replans.Replan(NOW, "q1", plan.id, "edited", None, [{"code": "edited"}]))
        proposals.write(
            connection, proposals.Step(NOW, "proposed", plan.id, "ann", None, "try", [{"code": "edited"}])
        )
        study = pipelines.keep(connection, {"stages": {}})
        pipelines.add(connection, "submitted", "study", study, {"train": 2}, "ann", "first")
        model = pipelines.Artefact(
            "study.model", "made", NOW, "study", "study.train", "hoster", 0.5, Dataset(size_gb=1)
        )
        pipelines.write_made(connection, model)
        kept = connection.execute(select(contents.c.sha256)).scalars().first()
        arrays.add(
            connection,
            arrays.Array("many", NOW, "ann", str(kept), 1, None, None, 50, None),
            [arrays.Member("many", 0, "many-0", {"lr": 0.1})],
        )
        arrays.end(connection, "many", "stopped", "ann")
        sweeps.add(connection, sweeps.Sweep("many", "loss", "minimise", "asha", 1, 27, 3, {"seed": 0}))
        sweeps.keep(
            connection, [sweeps.Report("many-0", 1, 0, 1, 0.5), sweeps.Report("many-0", 1, 1, None, None)]
        )
        sweeps.read_to_end(connection, "many-0", 1, None)
        sweeps.draw(connection, sweeps.Draw("many-0", {"lr": 0.1}, 0))
        sweeps.judge(connection, [sweeps.Verdict("many-0", 1, "stops", 1, "others do better")])
        copy = checkpoints.begin(connection, "train", 0, 1, "hoster", "mark", 7)
        checkpoints.become(connection, copy, "taken", ["hoster"], [StateFile("weights", 3, "ab")])
        checkpoints.restore(connection, copy, 2, "cloud", 1.5)
        tokens.create(connection, "ci", [{"role": "viewer", "project": "*"}], timedelta(days=9), "ann")
        answers.begin(connection, "ci", "key-1", "POST")
        answers.end(connection, "ci", "key-1", 201, {"name": "job"})
