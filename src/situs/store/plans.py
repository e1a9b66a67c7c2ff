"""Plans, the Target and its history: what is to be true, by whose word, and what was before."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, Row, func, select

from situs.facts import Facts, read
from situs.facts.layer import Layer
from situs.intent import input_hash
from situs.model.error import InputError, SitusError
from situs.model.intent import Intent
from situs.model.plan import Plan
from situs.model.workload import Workload
from situs.store.database import clock
from situs.store.insert import insert_missing
from situs.store.tables import contents, intents, plans, targets


class StalePlan(SitusError):
    """The plan follows one that is not in force any more."""


@dataclass(frozen=True)
class Target:
    """A plan in force, from some instant on."""

    generation: int
    plan: str
    kind: Literal["apply", "rollback"]
    at: datetime
    by: str
    reason: str | None


@dataclass(frozen=True)
class Kept:
    """A plan with all it needs to be carried out."""

    plan: Plan
    intent: Intent
    facts: Facts
    files: Mapping[str, str]
    """name of a file that runs need -> SHA-256 of its content"""

    def name_of(self, workload: str) -> str:
        """What a workload is called in it: work of queues shares plans, each of which has one piece of work alone."""
        if workload in self.intent.workloads or len(self.plan.decisions) != 1:
            return workload
        return self.plan.decisions[0].workload


def keep(
    connection: Connection, plan: Plan, intent: Intent, facts: Facts, files: Mapping[str, bytes]
) -> None:
    """Keep a sealed plan for ever. Keeping it again does nothing. Raises InputError when it was changed."""
    if plan.sealed().id != plan.id:
        raise InputError(
            f"the plan was changed after it was made: its content no longer has the id {plan.id}"
        )
    if input_hash(intent) != plan.provenance.input_hash:
        raise InputError(f"plan {plan.id[:19]} was made from another estate than the one given with it")
    layers = {name: [(layer.name, layer.digest) for layer in parts] for name, parts in facts.layers.items()}
    texts = {layer.digest: layer.content for parts in facts.layers.values() for layer in parts}
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    texts |= {digests[name]: content for name, content in files.items()}
    keep_contents(connection, texts)
    intent_text = intent.model_dump_json(by_alias=True)
    insert_missing(connection, intents, [{"hash": plan.provenance.input_hash, "content": intent_text}])
    row = {
        "id": plan.id, "parent": plan.parent, "intent": plan.provenance.input_hash, "facts": layers,
        "files": digests, "content": plan.model_dump_json(), "recorded": clock(connection),
    }  # fmt: skip
    insert_missing(connection, plans, [row])


def load(connection: Connection, identity: str) -> Kept:
    """A plan that was kept. Raises InputError when it was not, or was changed since."""
    found = _row(connection, identity)
    plan = Plan.model_validate_json(found.content)
    intent = Intent.model_validate_json(found.estate)
    _must_be_unchanged(identity, plan, intent)
    layers = {
        name: tuple(Layer(name, shown, content(connection, digest)) for shown, digest in parts)
        for name, parts in found.facts.items()
    }
    return Kept(plan, intent, read(layers), found.files)


def load_alone(connection: Connection, identity: str, facts: Facts) -> Kept:
    """A kept plan that places one workload, with no more of its estate than that needs: there may be thousands.

    ``facts`` stand in for its own. Raises InputError like :func:`load`.
    """
    found = _row(connection, identity)
    plan, intent = Plan.model_validate_json(found.content), Intent.model_validate_json(found.estate)
    _must_be_unchanged(identity, plan, intent)
    sites = {a.site for decision in plan.decisions for a in decision.assignments}
    needed = {name: site for name, site in intent.sites.items() if name in sites}
    alone = intent.model_copy(update={"sites": needed, "links": (), "rules": {}, "locations": {}})
    return Kept(plan, alone, facts, found.files)


def placed(connection: Connection, identity: str, workload: str) -> tuple[Plan, Workload]:
    """A kept plan and one workload of its estate, for those who only look at them; quick, and nothing is checked."""
    found = _row(connection, identity)
    estate = json.loads(found.estate)
    return Plan.model_validate_json(found.content), Workload.model_validate(estate["workloads"][workload])


def content(connection: Connection, digest: str) -> bytes:
    """What has this SHA-256. Raises InputError when it is not kept or was changed."""
    kept = connection.execute(
        select(contents.c.content).where(contents.c.sha256 == digest)
    ).scalar_one_or_none()
    if kept is None or hashlib.sha256(kept).hexdigest() != digest:
        raise InputError(f"the content {digest[:12]} is not in the database, or was changed there")
    return bytes(kept)


def beginning(connection: Connection, identity: str) -> list[str]:
    """Ids of the plans that are kept and begin so, with or without the name of the hash; at most three."""
    start = f"sha256:{identity.removeprefix('sha256:')}"
    wanted = select(plans.c.id).where(plans.c.id.startswith(start, autoescape=True)).limit(3)
    return list(connection.execute(wanted).scalars())


def in_force(connection: Connection) -> Target | None:
    """The newest Target; None before the first."""
    found = connection.execute(select(targets).order_by(targets.c.generation.desc()).limit(1)).one_or_none()
    return None if found is None else Target(*found)


def generation_in_force(connection: Connection) -> int:
    """The number of the newest Target; 0 before the first."""
    return int(connection.execute(select(func.coalesce(func.max(targets.c.generation), 0))).scalar_one())


def history(connection: Connection) -> list[Target]:
    """All Targets, the oldest first."""
    return [Target(*row) for row in connection.execute(select(targets).order_by(targets.c.generation))]


def put_in_force(
    connection: Connection, plan: str, before: Target | None, kind: Literal["apply", "rollback"], by: str,
    reason: str | None = None,
) -> Target:  # fmt: skip
    """Make a kept plan the Target after ``before``. Raises StalePlan when that is no longer the newest one."""
    target = Target((before.generation if before else 0) + 1, plan, kind, clock(connection), by, reason)
    # Two who follow the same one want the same number; the second finds it taken.
    insert_missing(connection, targets, [vars(target)])
    now = in_force(connection)
    if now is None or (now.generation, now.plan, now.at) != (target.generation, plan, target.at):
        raise StalePlan(
            f"another plan came into force meanwhile: {now.plan[:19] if now else '?'}; plan again after it"
        )
    return target


def _row(connection: Connection, identity: str) -> Row[Any]:
    found = connection.execute(
        select(plans, intents.c.content.label("estate"))
        .join(intents, intents.c.hash == plans.c.intent)
        .where(plans.c.id == identity)
    ).one_or_none()
    if found is None:
        raise InputError(f"plan {identity[:19]} is not in the database; `situs apply` brings it there")
    return found


def _must_be_unchanged(identity: str, plan: Plan, intent: Intent) -> None:
    if plan.sealed().id != identity or input_hash(intent) != plan.provenance.input_hash:
        raise InputError(f"plan {identity[:19]} was changed in the database")


def keep_contents(connection: Connection, texts: Mapping[str, bytes]) -> None:
    """Keep contents by their SHA-256, for ever; what is kept already is not written again."""
    there = set(_there(connection, texts))
    rows = [{"sha256": digest, "content": text} for digest, text in texts.items() if digest not in there]
    insert_missing(connection, contents, rows)


def _there(connection: Connection, digests: Iterable[str]) -> Iterable[str]:
    return connection.execute(select(contents.c.sha256).where(contents.c.sha256.in_(list(digests)))).scalars()
