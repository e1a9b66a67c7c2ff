"""Taking a plan in: planned here from an estate, or a plan document that is made again here.

A plan is so exact that whoever could have any document put in force would need no planner and no rules.  So the one
that is handed in must be, byte for byte, what this control plane decides with its own facts; there is nothing in it
to believe.  What an estate's runs need comes along with it: no file of this machine is read for it.
"""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import Any

from sqlalchemy import Connection

from situs.control.approval.leave import today
from situs.control.approval.loosened import loosened
from situs.control.approval.separation import Party
from situs.control.back import kept_at
from situs.control.deciding import decided
from situs.control.guardrails import Breach, Change, breaches
from situs.control.orders import files_of
from situs.control.out_of_service import without_what_is_out
from situs.control.withdrawn import as_written
from situs.facts import Facts
from situs.intent import input_hash, loads
from situs.model.error import InputError, SitusError
from situs.model.intent import Intent
from situs.model.plan import Plan
from situs.policy import check_written
from situs.store import events, holds, plans, proposals
from situs.store.catalogues import Catalogues
from situs.store.database import Database, clock
from situs.store.events import Event
from situs.store.plans import Kept, StalePlan
from situs.store.proposals import Step

TIME_LIMIT_S = 120.0
"""Somebody waits for the answer; larger estates are planned where they are, see ``situs up``."""
OLDEST = timedelta(days=1)
"""Of a plan for an instant of its own: rules and certificates of long ago are not those of today."""


class Busy(SitusError):
    """Another plan is being made; come again."""


class Intake:
    """Where plans are handed in. One at a time is made: planning takes all that the machine has."""

    def __init__(self, database: Database, estate: Path) -> None:
        """``estate``: the control plane's own folder, whose facts count."""
        self._database = database
        self._estate = estate
        self._turn = threading.Lock()

    def propose(
        self, text: str, document: Plan | None, off: frozenset[str], files: Mapping[str, bytes], by: Party,
        reason: str | None,
    ) -> Plan:  # fmt: skip
        """Take in a plan for this estate; gives it as it is kept. ``document``: the one that is to come out.

        Raises InputError for what is wrong, StalePlan for what follows another plan than the one in force, SitusError
        for a document that is not what is decided here, and Busy.
        """
        facts = Catalogues(self._estate).facts()
        loaded = loads(text, "estate")
        check_written(loaded.intent, facts, loaded.position)
        with self._database.read() as connection:
            target = plans.in_force(connection)
            before = plans.load(connection, target.plan) if target is not None else None
            held = [hold for hold in holds.in_force(connection) if hold.kind != "pause"]
            stay = kept_at(connection, held)
        switched_off = document.provenance.off if document is not None else off
        written = as_written(loaded.intent)
        intent = without_what_is_out(written, facts, switched_off, held, datetime.now(UTC), stay)
        contents = _files(intent, files)
        asked = _asked(intent, facts, before.plan if before else None, off, document, reason)
        plan = self._made(asked)
        if document is not None and plan.id != document.id:
            raise SitusError(
                f"plan {document.id[:19]} is not what is decided here from this estate ({_differs(document, plan)}); "
                "hand in the estate alone, and it is planned here"
            )
        with self._database.write() as connection:
            plans.keep(connection, plan, intent, facts, contents)
            _note(connection, plan, intent, facts, before, by, reason)
        return plan

    def _made(self, asked: dict[str, Any]) -> Plan:
        if not self._turn.acquire(blocking=False):
            raise Busy("another plan is being made; come again in a moment")
        try:
            plan = decided(asked, lambda: True)
        finally:
            self._turn.release()
        assert plan is not None
        return plan


def _note(
    connection: Connection, plan: Plan, intent: Intent, facts: Facts, before: Kept | None, by: Party,
    reason: str | None,
) -> None:  # fmt: skip
    at = clock(connection)
    waits, laxer = [Breach("edited")], list[str]()
    if before is not None:
        change = Change(before.plan, plan)
        lost = frozenset(hold.subject for hold in holds.in_force(connection) if hold.kind == "lost")
        waits = breaches(change, before.intent, intent, facts, today(connection, at), lost)
        laxer = loosened(before.intent, intent, before.plan, plan)
    step = Step(
        at, "proposed", plan.id, by.name, by.identity, reason, [asdict(breach) for breach in waits], laxer
    )  # fmt: skip
    proposals.write(connection, step)
    told = f"plan {plan.id[:19]} is handed in" + (f": {reason}" if reason else "")
    events.write(connection, [Event(at, "proposal", by.name, told)])


def _asked(
    intent: Intent, facts: Facts, parent: Plan | None, off: frozenset[str], document: Plan | None,
    reason: str | None,
) -> dict[str, Any]:  # fmt: skip
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    if document is None:
        return {
            "intent": intent, "facts": facts, "at": intent.settings.at or now, "off": off, "parent": parent,
             "time_limit_s": TIME_LIMIT_S, "reason": reason,
        }  # fmt: skip
    if document.sealed().id != document.id:
        raise InputError("the plan was changed after it was made: its content no longer has its id")
    if document.parent != (parent.id if parent else None):
        follows = f"follows {document.parent[:19]}" if document.parent else "follows no plan"
        here = f"{parent.id[:19]} is in force" if parent else "none is in force"
        raise StalePlan(f"plan {document.id[:19]} {follows}, but {here}; plan again after it")
    if input_hash(intent) != document.provenance.input_hash:
        raise InputError(
            "the plan was made from another estate than the one given with it, or without what is drained or lost here"
        )
    if document.provenance.facts != facts.versions:
        raise InputError(
            "the plan was made with other facts than those of this control plane; hand in the estate alone"
        )
    if intent.settings.at is None and not now - OLDEST <= document.at <= now + OLDEST:
        raise InputError(
            f"the plan is for {document.at:%Y-%m-%dT%H:%MZ}, more than a day from now; plan again"
        )
    return {
        "intent": intent, "facts": facts, "at": document.at, "off": document.provenance.off,
        "gap": document.provenance.gap_wanted, "parent": parent, "time_limit_s": TIME_LIMIT_S,
        "owner": document.owner, "reason": document.reason, "expires": document.expires,
    }  # fmt: skip


def _files(intent: Intent, files: Mapping[str, bytes]) -> Mapping[str, bytes]:
    """Those that the runs of this estate need, from what was sent along. Raises InputError."""
    with tempfile.TemporaryDirectory(prefix="situs-") as scratch:
        for name, content in files.items():
            path = PurePosixPath(name)
            if path.is_absolute() or ".." in path.parts or "\0" in name or not path.parts:
                raise InputError(f"files: {name!r} is not a path in the folder of the estate")
            there = Path(scratch, *path.parts)
            try:
                there.parent.mkdir(parents=True, exist_ok=True)
                there.write_bytes(content)
            except OSError as error:
                raise InputError(f"files: {name!r} cannot be a file: {error.strerror}") from None
        return files_of(intent, Path(scratch))


def _differs(document: Plan, plan: Plan) -> str:
    if document.provenance.situs != plan.provenance.situs:
        return f"it was made by situs {document.provenance.situs}, this is {plan.provenance.situs}"
    if document.provenance.solver != plan.provenance.solver:
        return f"it was made with {document.provenance.solver}, here is {plan.provenance.solver}"
    return f"here comes out {plan.id[:19]}"
