"""Plans that are handed in to the control plane of a folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from situs.control.approval import verdicts
from situs.control.approval.naming import plan_named
from situs.control.approval.separation import Party
from situs.control.approval.verdicts import Proposal
from situs.model.error import InputError
from situs.model.plan import Plan
from situs.store import plans
from situs.store.database import Database
from situs.store.plans import Target
from situs.store.records import Records

if TYPE_CHECKING:
    from situs.client.offer import Offer


class LocalProposals:
    """One database, the estate's folder, and who asks: the owner of the machine, by some name."""

    def __init__(self, database: Database, estate: Path, home: Path, by: str) -> None:
        """``home``: whose own facts count, as for the control plane that runs here."""
        self._database = database
        self._estate = estate
        self._home = home
        self._by = Party(by)

    def newest(self, count: int) -> Sequence[Proposal]:
        with self._database.read() as connection:
            return verdicts.newest(connection, count)

    def one(self, plan: str) -> Proposal:
        identity = self._named(plan)
        with self._database.read() as connection:
            found = verdicts.of_plan(connection, identity)
        if found is None:
            raise InputError(f"plan {identity[:19]} was not handed in")
        return found

    def document(self, plan: str) -> Plan:
        with self._database.read() as connection:
            return plans.load(connection, plan_named(connection, plan)).plan

    def propose(self, offer: Offer, reason: str | None) -> Proposal:
        from situs.control.approval.proposing import Intake

        intake = Intake(self._database, self._home)
        return self.one(intake.propose(offer.text, offer.plan, offer.off, offer.files, self._by, reason).id)

    def apply(self, plan: str, reason: str | None) -> Target:
        return self._followed(verdicts.apply(self._database, self._named(plan), self._by, reason))

    def approve(self, plan: str, reason: str | None) -> Target:
        return self._followed(verdicts.approve(self._database, self._named(plan), self._by, reason, None))

    def reject(self, plan: str, reason: str) -> bool:
        return verdicts.reject(self._database, self._named(plan), self._by, reason)

    def _named(self, plan: str) -> str:
        with self._database.read() as connection:
            return plan_named(connection, plan)

    def _followed(self, target: Target) -> Target:
        # Plans that are made by hand follow the one recorded last, which is this one now.
        Records(self._estate).follow(target.plan)
        return target
