"""Planning again when the world changes: the estate's files, the facts, sites out of service, a plan that has expired.

A question is all that a plan is made from; while it is the one that the plan in force answers, nothing is done.
Another one must stay the same for a moment first, because people save files one after the other.  The answer
comes into force by itself where the estate in force gives leave (see :mod:`situs.control.guardrails`), else it
waits for a person.  Each question is answered once, also by a control plane that was killed in the middle: the
answer and what came of it are one transaction under the lease.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from situs.control.approval.leave import today
from situs.control.back import kept_at
from situs.control.deciding import decided
from situs.control.estate_files import EstateFiles
from situs.control.force import Plans
from situs.control.guardrails import Change, breaches, changes_nothing
from situs.control.leader import Leadership
from situs.control.orders import files_of
from situs.control.out_of_service import NOBODY, without_what_is_out
from situs.control.pace import Pace
from situs.control.recurring import Recurring
from situs.control.withdrawn import as_written
from situs.facts import Facts
from situs.intent import input_hash
from situs.model.error import SitusError
from situs.model.intent import Intent
from situs.model.plan import Plan
from situs.model.rule import Rule
from situs.store import events, holds, leases, plans, replans
from situs.store.database import Database, DatabaseAway, clock
from situs.store.events import BY, Event
from situs.store.holds import Hold
from situs.store.leases import LeaseLost
from situs.store.plans import Kept, Target
from situs.store.records import Records
from situs.store.replans import Replan

TIME_LIMIT_S = 300.0
"""The best plan that is found in five minutes is taken; prices of the hour are old by then."""


@dataclass(frozen=True)
class Question:
    """What a plan is to be made from now."""

    intent: Intent
    facts: Facts
    kept: Kept
    """of the plan in force"""
    causes: tuple[str, ...]
    """what is not as it was when that was made"""
    lost: frozenset[str] = frozenset()
    """sites that are taken to be gone"""

    @property
    def mark(self) -> str:
        """The same for the same question."""
        parts = (input_hash(self.intent), sorted(self.facts.versions.items()), self.kept.plan.id, self.causes)
        return hashlib.sha256(repr(parts).encode()).hexdigest()


class Replanning(Recurring):
    """Plans again, for as long as this control plane leads."""

    def __init__(
        self, database: Database, estate: EstateFiles, pace: Pace, leadership: Leadership,
        say: Callable[[str], None],
    ) -> None:  # fmt: skip
        super().__init__("replan", pace.plan_s)
        self._database = database
        self._estate = estate
        self._pace = pace
        self._leadership = leadership
        self._say = say
        self._pending, self._since = "", 0.0
        self._plans = Plans(database)
        self._quiet: object = None
        """what there was to see when there was nothing to do: comparing estates takes longer than to see that"""
        self._failed = ""
        """the question that has no answer, so that it is not asked again and again"""

    def again(self) -> None:
        """A turn; why none can be taken is written down."""
        try:
            self.turn()
        except (LeaseLost, DatabaseAway):
            raise
        except (SitusError, OSError) as error:
            self._trouble(str(error))

    def turn(self) -> None:
        """Look, and plan if there is something new. Raises SitusError when that cannot be done."""
        with self._database.read() as connection:
            target, answered = plans.in_force(connection), replans.newest(connection)
            held = [hold for hold in holds.in_force(connection) if hold.kind != "pause"]
            stay = kept_at(connection, held)
        now = datetime.now(UTC)
        if target is None:
            return
        kept = self._plans.get(target.plan)
        self._plans.forget({target.plan})
        seen = (target, answered, held, self._estate.mark(), _has_expired(kept.plan, now))
        if seen == self._quiet:
            return
        question = asked(self._estate, kept, held, now, stay)
        open_ = answered if answered is not None and answered.parent == target.plan else None
        if not question.causes:
            if open_ is not None and (open_.plan or open_.trouble):
                self._answer(question, target, None, [])
            self._quiet = seen
            return
        if question.mark == self._failed or (open_ is not None and open_.question == question.mark):
            self._quiet = seen
            return
        if question.mark != self._pending:
            self._pending, self._since = question.mark, time.monotonic()
        if time.monotonic() - self._since < self._pace.settle_s:
            return
        self._plan(question, target)

    def _plan(self, question: Question, target: Target) -> None:
        before = question.kept.plan
        self._say(f"planning again: {'; '.join(question.causes)}")
        self._failed = question.mark
        files = files_of(question.intent, self._estate.folder)
        plan = decided(_arguments(question), lambda: not self._ended.is_set())
        self._failed = ""
        if plan is None:
            return
        change = Change(before, plan)
        if changes_nothing(change) and not _edited(question):
            self._answer(question, target, None, [])
            return
        with self._database.read() as connection:
            lately = today(connection, plan.at)
        found = breaches(change, question.kept.intent, question.intent, question.facts, lately, question.lost)
        Records(self._estate.path).save(plan, question.intent, question.facts, latest=False)
        self._answer(question, target, plan, [asdict(breach) for breach in found], files)
        if not found:
            Records(self._estate.path).save(plan, question.intent, question.facts)

    def _answer(
        self, question: Question, target: Target, plan: Plan | None, waits_for: list[dict[str, str]],
        files: Mapping[str, bytes] | None = None,
    ) -> None:  # fmt: skip
        cause = "; ".join(question.causes) or "everything is again as it was"
        with self._database.write() as connection:
            leases.check(connection, self._leadership.lease)
            now = plans.in_force(connection)
            if now != target:
                return
            if plan is not None:
                plans.keep(connection, plan, question.intent, question.facts, files or {})
            at = clock(connection)
            answer = Replan(
                at, question.mark, target.plan, cause, plan.id if plan else None, waits_for
            )  # fmt: skip
            replans.write(connection, answer)
            if plan is None:
                told = f"planned again ({cause}): everything stays"
            elif waits_for:
                told = f"plan {plan.id[:19]} is proposed ({cause}); it waits for approval"
            else:
                told = f"plan {plan.id[:19]} is in force by itself ({cause})"
                plans.put_in_force(connection, plan.id, target, "apply", BY, cause)
            events.write(connection, [Event(at, "replan", BY, told)])
        self._say(told)

    def _trouble(self, text: str) -> None:
        """Write down why no plan can be made, once."""
        mark = hashlib.sha256(text.encode()).hexdigest()
        with self._database.write() as connection:
            leases.check(connection, self._leadership.lease)
            target, last = plans.in_force(connection), replans.newest(connection)
            if target is None or (last and (last.parent, last.question) == (target.plan, mark)):
                return
            at = clock(connection)
            cause = "no plan can be made"
            replans.write(connection, Replan(at, mark, target.plan, cause, None, (), text))
            events.write(connection, [Event(at, "replan", BY, f"{cause}: {text}")])
        self._say(f"{cause}: {text}")


def asked(
    estate: EstateFiles,
    kept: Kept,
    held: Sequence[Hold],
    now: datetime,
    stay: Mapping[str, frozenset[str]] = NOBODY,
) -> Question:
    """The question of this moment. ``held``: which sites are out of service, and which workloads were put back;
    ``stay``: where these are. Raises InputError."""
    written = estate.read()
    intent = without_what_is_out(written.intent, written.facts, kept.plan.provenance.off, held, now, stay)
    lost = frozenset(hold.subject for hold in held if hold.kind == "lost")
    causes = tuple(_causes(intent, written.facts, kept, now))
    return Question(intent, written.facts, kept, causes, lost)


def _causes(intent: Intent, facts: Facts, kept: Kept, now: datetime) -> list[str]:
    causes = []
    plan, before = kept.plan, kept.intent
    if input_hash(as_written(intent)) != input_hash(as_written(before)):
        causes.append("the estate was edited")
    made_with = plan.provenance.facts
    new = sorted(name for name, version in facts.versions.items() if made_with.get(name) != version)
    if new:
        causes.append(f"new facts: {', '.join(new)}")
    ours, theirs = _withdrawals(intent), _withdrawals(before)
    causes += [ours[name].title for name in sorted(ours) if ours[name] != theirs.get(name)]
    causes += [f"no longer: {theirs[name].title}" for name in sorted(theirs) if name not in ours]
    if _has_expired(plan, now):
        causes.append(f"the plan in force has expired at {plan.expires:%Y-%m-%dT%H:%MZ}")
    return causes


def _withdrawals(intent: Intent) -> dict[str, Rule]:
    written = as_written(intent).rules
    return {name: rule for name, rule in intent.rules.items() if name not in written}


def _has_expired(plan: Plan, now: datetime) -> bool:
    return plan.expires is not None and plan.expires <= now


def _arguments(question: Question) -> dict[str, Any]:
    plan = question.kept.plan
    # To the minute: a plan for the hour in which the one before came into force would not know that it did.
    at = question.intent.settings.at or datetime.now(UTC).replace(second=0, microsecond=0)
    return {
        "intent": question.intent, "facts": question.facts, "at": at, "off": plan.provenance.off,
        "gap": plan.provenance.gap_wanted, "parent": plan, "time_limit_s": TIME_LIMIT_S, "owner": plan.owner,
        "reason": "; ".join(question.causes),
    }  # fmt: skip


def _edited(question: Question) -> bool:
    return input_hash(as_written(question.intent)) != input_hash(as_written(question.kept.intent))
