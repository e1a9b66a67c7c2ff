"""What people tell the control plane: which plan is to be true, and what not to do.

The command line and the API call these; each is one transaction with an event that says who did it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from sqlalchemy import Connection

from situs.control.shipping import snapshot
from situs.facts import Facts
from situs.model.error import InputError, Problem
from situs.model.intent import Intent
from situs.model.plan import Plan
from situs.store import events, holds, plans, replans
from situs.store.database import Database, clock
from situs.store.events import Event
from situs.store.plans import StalePlan, Target

LARGEST_FILES = 64 << 20
"""Programs and settings are kept in the database with the plan; data and models have their own ways."""


def files_of(intent: Intent, folder: Path) -> Mapping[str, bytes]:
    """The files that runs are sent, from the estate's folder, and an archive of each folder of code.

    Raises InputError with all that are missing.
    """
    wanted = {
        name: workload for workload, w in sorted(intent.workloads.items()) if w.run for name in w.run.files
    }
    found, problems = {}, []
    for name, workload in wanted.items():
        path = (folder / name).resolve()
        if not path.is_relative_to(folder.resolve()) or not path.is_file():
            fix = f"it must be a file in {folder}"
            problems.append(Problem(f"{workload} needs the file {name!r}, which is not there", fix=fix))
        else:
            found[name] = path.read_bytes()
    for workload, w in sorted(intent.workloads.items()):
        if w.run is not None and w.run.code is not None and w.run.code not in found:
            path = (folder / w.run.code).resolve()
            if not path.is_relative_to(folder.resolve()) or not path.is_dir():
                fix = f"it must be a folder in {folder}"
                problems.append(
                    Problem(f"{workload} needs the code {w.run.code!r}, which is not there", fix=fix)
                )
            else:
                found[w.run.code] = snapshot(path, leave_out=w.run.state).archive
    if problems:
        raise InputError(problems)
    if sum(map(len, found.values())) > LARGEST_FILES:
        raise InputError(
            f"the files of all workloads are over {LARGEST_FILES >> 20} MiB; make datasets of the large ones"
        )
    return found


def apply(
    database: Database, plan: Plan, intent: Intent, facts: Facts, files: Mapping[str, bytes], by: str,
    reason: str | None = None,
) -> Target:  # fmt: skip
    """Make a plan the Target, if it follows the one that is. Applying what is in force already does nothing.

    Raises StalePlan with the reason when it does not.
    """
    with database.write() as connection:
        plans.keep(connection, plan, intent, facts, files)
        before = plans.in_force(connection)
        if before is not None and before.plan == plan.id:
            return before
        if before is not None and plan.parent != before.plan:
            follows = f"follows {plan.parent[:19]}" if plan.parent else "follows no plan"
            raise StalePlan(
                f"plan {plan.id[:19]} {follows}, but {before.plan[:19]} is in force since "
                f"{before.at:%Y-%m-%dT%H:%MZ} by {before.by}; "
                f"plan again after it: `situs plan --parent {before.plan[7:19]}`"
            )
        target = plans.put_in_force(connection, plan.id, before, "apply", by, reason)
        _tell(connection, "target", by, f"plan {plan.id[:19]} is in force, as generation {target.generation}")
        return target


Check = Callable[[Connection, str, Target], None]
"""Raises SitusError when this plan may not follow the one in force by the word of who asks."""


def approve(
    database: Database,
    by: str,
    reason: str | None = None,
    plan: str | None = None,
    check: Check | None = None,
) -> Target:
    """Put the plan that the control plane proposes in force; ``plan``: only if its id begins so.

    Raises InputError when none is proposed, or another one.
    """
    with database.write() as connection:
        target, last = plans.in_force(connection), replans.newest(connection)
        if target is None or last is None or last.plan is None or last.parent != target.plan:
            raise InputError("no plan waits for approval; `situs ps` tells how things stand")
        if plan is not None and not last.is_called(plan):
            raise InputError(
                f"{plan} does not wait for approval; {last.plan[:19]} does, see `situs proposed`"
            )
        if check is not None:
            check(connection, last.plan, target)
        new = plans.put_in_force(connection, last.plan, target, "apply", by, reason or last.cause)
        _tell(connection, "target", by, f"plan {new.plan[:19]} is approved, as generation {new.generation}")
        return new


def rollback(
    database: Database, by: str, reason: str | None = None, to: str | None = None, check: Check | None = None
) -> Target:
    """Put the plan before the one in force back in force, or the one whose id begins with ``to``.

    Raises InputError when there is none.
    """
    with database.write() as connection:
        history = plans.history(connection)
        if not history:
            raise InputError("no plan is in force yet, so there is nothing to go back to")
        found = _before(history) if to is None else _named(history, to)
        if check is not None:
            check(connection, found.plan, history[-1])
        target = plans.put_in_force(connection, found.plan, history[-1], "rollback", by, reason)
        _tell(connection, "target", by, f"back to plan {found.plan[:19]}, as generation {target.generation}")
        return target


def pause(database: Database, by: str, reason: str | None = None) -> bool:
    """Do nothing at the sites until resumed; what runs there runs on. False when it is so already."""
    return _hold(database, "pause", holds.EVERYTHING, by, reason, "paused")


def resume(database: Database, by: str) -> bool:
    """Go on after a pause; False when there was none."""
    return _lift(database, "pause", holds.EVERYTHING, by, "resumed")


def drain(database: Database, site: str, by: str, reason: str | None = None) -> bool:
    """Put nothing new at a site; what runs there runs on until a plan moves it. Raises InputError."""
    _must_be_known(database, site)
    return _hold(database, "drain", site, by, reason, f"{site} is drained")


def undrain(database: Database, site: str, by: str) -> bool:
    """Let a site have new work again; False when it was not drained."""
    return _lift(database, "drain", site, by, f"{site} takes work again")


def lose(database: Database, site: str, by: str, reason: str) -> bool:
    """Take a site to be gone: its work may go on elsewhere, though nobody saw it end. Raises InputError.

    Whoever says so answers for it that nothing there goes on that must not run twice.
    """
    _must_be_known(database, site)
    return _hold(database, "lost", site, by, reason, f"{site} is lost")


def find(database: Database, site: str, by: str) -> bool:
    """Take a site into service again; False when it was not lost."""
    return _lift(database, "lost", site, by, f"{site} is found")


def _before(history: Sequence[Target]) -> Target:
    """The newest one that had another plan than the one in force, going back over what was rolled back."""
    undone = history[-1].plan
    trail: list[Target] = []
    for target in history:
        # What was rolled back is no way to go back to.
        if target.kind == "rollback":
            while trail and trail[-1].plan != target.plan:
                trail.pop()
        else:
            trail.append(target)
    earlier = [target for target in trail if target.plan != undone]
    if not earlier:
        raise InputError("there is no plan before the one in force")
    return earlier[-1]


def _named(history: Sequence[Target], to: str) -> Target:
    wanted = to.removeprefix("sha256:")
    hits = {t.plan: t for t in history if wanted and t.plan.removeprefix("sha256:").startswith(wanted)}
    if len(hits) != 1:
        what = f"is the beginning of {len(hits)} plans" if hits else "was never in force"
        raise InputError(f"{to!r} {what}; `situs history` lists those that were")
    found = next(iter(hits.values()))
    if found.plan == history[-1].plan:
        raise InputError(f"{found.plan[:19]} is in force already")
    return found


def _must_be_known(database: Database, site: str) -> None:
    with database.read() as connection:
        target = plans.in_force(connection)
        sites = plans.load(connection, target.plan).intent.sites if target else {}
    if site not in sites:
        raise InputError(f"the estate has no site {site!r}; it has {', '.join(sites) or 'none yet'}")


def _hold(database: Database, kind: str, subject: str, by: str, reason: str | None, said: str) -> bool:
    with database.write() as connection:
        new = holds.put(connection, kind, subject, by, reason)
        if new:
            _tell(connection, kind, by, said + (f": {reason}" if reason else ""))
        return new


def _lift(database: Database, kind: str, subject: str, by: str, said: str) -> bool:
    with database.write() as connection:
        ended = holds.lift(connection, kind, subject)
        if ended:
            _tell(connection, kind, by, said)
        return ended


def _tell(connection: Connection, kind: str, by: str, text: str) -> None:
    events.write(connection, [Event(clock(connection), kind, by, text)])
