"""The control plane itself: its database, who leads, how old what it knows is, and who may read its files."""

from __future__ import annotations

import stat
import time
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from pathlib import Path

from situs.control.doctor.finding import Finding
from situs.control.leader import NAME
from situs.facts import Facts
from situs.model.secret import reference
from situs.model.workload import Workload
from situs.sites.secrets import NoSecret, secret
from situs.store import holds, leases, observations, plans
from situs.store.check import checked
from situs.store.database import Database, DatabaseAway, DatabaseDamaged, clock

LITTLE_GIB = 1.0
CLOCK_S = 5.0
UNSEEN = timedelta(minutes=5)
"""At rest a site is looked at every ten seconds, and what stays the same is written down every minute."""
OLDEST_DAYS = {"exchange": 45, "prices": 180, "egress": 365, "storage": 365}
"""After so long, figures of a catalogue are likely to be others; those of laws and places have dates of their own."""


def database(opened: Database) -> Iterator[Finding]:
    """Whether it answers, and is whole."""
    place = opened.url.render_as_string(hide_password=True)
    try:
        seen = checked(opened, time.time())
    except DatabaseAway as error:
        yield Finding("db-away", "error", place, cause=str(error))
        return
    except DatabaseDamaged as error:
        yield Finding("db-damage", "error", place, cause=str(error.__cause__))
        return
    if seen.schema != seen.wanted_schema:
        values = {"schema": seen.schema or "—", "wanted": seen.wanted_schema}
        yield Finding("db-schema", "error", place, values)
    if seen.damage:
        yield Finding("db-damage", "error", place, cause=seen.damage)
    if seen.journal not in (None, "wal"):
        yield Finding("db-journal", "warning", place, {"journal": seen.journal or ""})
    if seen.free_gib is not None and seen.free_gib < LITTLE_GIB:
        yield Finding("db-disk", "warning", place, {"gib": seen.free_gib})
    if abs(seen.clock_ahead_s) > CLOCK_S:
        yield Finding("db-clock", "warning", place, {"seconds": seen.clock_ahead_s})
    if seen.encrypted is False:
        yield Finding("db-plain", "warning", place)
    yield Finding("db-answers", "ok", place, {"schema": seen.schema or "—"})


def leading(opened: Database) -> Iterator[Finding]:
    """Who acts, and whether it looks at the sites."""
    with opened.read() as connection:
        now = clock(connection)
        lease, target = leases.found(connection, NAME), plans.in_force(connection)
        seen, held = observations.all_sites(connection), holds.in_force(connection)
        planned = plans.load(connection, target.plan).intent.sites if target else {}
    for hold in held:
        if hold.kind == "pause":
            yield Finding(
                "plane-paused",
                "warning",
                "situs up",
                {"by": hold.by, "since": f"{hold.since:%Y-%m-%d %H:%MZ}"},
            )
    if lease is None or lease.holder == leases.NOBODY or lease.expires <= now:
        if target is not None:
            yield Finding("plane-none", "error", "situs up", {"generation": target.generation})
        return
    host, _, process, *_ = lease.holder.split("/")
    left_s = (lease.expires - now).total_seconds()
    yield Finding(
        "plane-leads",
        "ok",
        "situs up",
        {"host": host, "process": process, "left": left_s, "token": lease.token},
    )
    for name in planned:
        last = seen.get(name)
        if last is None:
            yield Finding("plane-never", "warning", name)
        elif now - last.at > UNSEEN:
            yield Finding("plane-unseen", "warning", name, {"minutes": (now - last.at).total_seconds() / 60})


def files(folder: Path, database_file: Path | None) -> Iterator[Finding]:
    """Who else may read what is the control plane's own."""
    if folder.is_dir() and _others(folder):
        yield Finding("file-folder", "warning", str(folder), {"mode": _mode(folder)})
    private = [*folder.glob("*.db*"), *folder.glob("*token*")]
    if database_file is not None:
        private += [database_file, *database_file.parent.glob(f"{database_file.name}-*")]
    for path in sorted(set(private)):
        if path.is_file() and _others(path):
            yield Finding("file-open", "error", str(path), {"mode": _mode(path)})


def facts(known: Facts, now: datetime) -> Iterator[Finding]:
    """Catalogues whose newest figure is old."""
    for catalogue, version in known.versions.items():
        oldest = OLDEST_DAYS.get(catalogue)
        try:
            newest = date.fromisoformat(version[:10])
        except ValueError:
            continue
        age = (now.date() - newest).days
        if oldest is not None and age > oldest:
            yield Finding(
                "facts-old", "warning", catalogue, {"date": f"{newest}", "days": age, "oldest": oldest}
            )


def secrets(workloads: Mapping[str, Workload], folder: Path) -> Iterator[Finding]:
    """Secrets that a workload asks for and that cannot be had. Variables are left out: ``situs up`` has its own."""
    for name, workload in workloads.items():
        for variable, text in workload.run.secrets.items() if workload.run else ():
            wanted = reference(text)
            if wanted.scheme == "env":
                continue
            try:
                secret(wanted, folder, workload.use_case)
            except NoSecret as error:
                yield Finding("secret-none", "warning", name, {"variable": variable}, cause=str(error))


def _others(path: Path) -> bool:
    return bool(path.stat().st_mode & 0o077)


def _mode(path: Path) -> str:
    return stat.filemode(path.stat().st_mode)
