"""Decision records: every plan with what it was made from, kept by content in plain files.

::

    .situs/
      plans/<id>.json      the plan
      intents/<hash>.json  the estate it was made for
      facts/               the catalogues it was made with, see situs.store.catalogues
      latest               the id of the plan that was recorded last

A record is written beside its place and moved there in one step, so that a crash leaves either the whole
record or none.  Records are never changed; writing one that is there already does nothing.
"""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import ValidationError

from situs.facts import Facts
from situs.intent import input_hash
from situs.model.error import InputError
from situs.model.intent import Intent
from situs.model.plan import Plan
from situs.store.catalogues import Catalogues
from situs.store.files import write_atomically

SHORTEST_PREFIX = 4
"""An id may be shortened as far as it stays unique, but not to a single stray key."""
ID_DIGITS = 64
"""of a SHA-256"""


class Records:
    """The decision records of one estate's folder."""

    def __init__(self, estate: Path) -> None:
        # An estate may be one file; what is kept of it stands beside that.
        home = estate.parent if estate.is_file() else estate
        self.folder = home / ".situs"
        self._catalogues = Catalogues(estate)

    def save(self, plan: Plan, intent: Intent, facts: Facts, *, latest: bool = True) -> Path:
        """Record a sealed plan with its intent and facts; gives the plan's file. Raises ValueError if unsealed.

        ``latest``: the next plan is to follow it; a proposal is followed only once it is in force.
        """
        if plan.sealed().id != plan.id:
            raise ValueError("only a sealed plan can be recorded: its id must be that of its content")
        self._catalogues.keep(facts)
        self._write(
            self.folder / "intents" / f"{_file_name(input_hash(intent))}.json",
            intent.model_dump_json(by_alias=True),
        )
        path = self._path(plan.id)
        self._write(path, _written(plan))
        if latest:
            self.follow(plan.id)
        return path

    def follow(self, identity: str) -> None:
        """Have the next plan follow this one, if it is recorded here."""
        if self._path(identity).exists():
            self._write(self.folder / "latest", identity + "\n", replace=True)

    def latest(self) -> str | None:
        """The id of the plan recorded last. Raises InputError when the note of it is damaged."""
        path = self.folder / "latest"
        if not path.exists():
            return None
        identity = path.read_bytes().decode(errors="replace").strip()
        if len(_file_name(identity)) != ID_DIGITS:
            raise InputError(
                f"{path} is damaged: {identity[:80]!r} is no id; `situs records` lists the plans, "
                "write the id of the one that is in force into it"
            )
        return identity

    def knows(self, reference: str) -> bool:
        """Whether a plan that is recorded here, or several, may be meant by this."""
        return reference == "latest" or Path(reference).suffix == ".json" or bool(self._hits(reference))

    def load(self, reference: str) -> Plan:
        """The plan by its id, an unambiguous beginning of it, ``latest``, or a file. Raises InputError."""
        path = self._find(reference)
        try:
            plan = Plan.model_validate_json(path.read_bytes())
        except (ValidationError, OSError) as error:
            raise InputError(f"{path} is not a readable plan: {_cause(error)}") from None
        if plan.sealed().id != plan.id:
            raise InputError(
                f"{path} was changed after it was made: its content no longer has the id {plan.id}"
            )
        return plan

    def intent_of(self, plan: Plan) -> Intent:
        """The estate the plan was made for. Raises InputError when it was not recorded, or changed since."""
        path = self.folder / "intents" / f"{_file_name(plan.provenance.input_hash)}.json"
        if not path.exists():
            raise InputError(f"the estate of plan {plan.id[:19]} is not recorded under {self.folder}")
        try:
            intent = Intent.model_validate_json(path.read_bytes())
        except (ValidationError, OSError) as error:
            raise InputError(f"{path} is not a readable estate: {_cause(error)}") from None
        if input_hash(intent) != plan.provenance.input_hash:
            raise InputError(
                f"{path} was changed after it was recorded: it no longer has the hash "
                f"{plan.provenance.input_hash} that plan {plan.id[:19]} was made from"
            )
        return intent

    def parent_of(self, plan: Plan) -> Plan | None:
        """The plan that it followed. Raises InputError when that is not recorded."""
        return None if plan.parent is None else self.load(plan.parent)

    def keep(self, plan: Plan) -> None:
        """Keep a plan that comes from elsewhere, so that what follows it can be made again."""
        self._write(self._path(plan.id), _written(plan))

    def facts_of(self, plan: Plan) -> Facts | None:
        """The facts the plan was made with; None when they were not kept and are not those of this situs."""
        return self._catalogues.facts_of(plan.provenance.facts)

    def all(self) -> list[Plan]:
        """All recorded plans, each after the one it followed; those that follow nothing by their instant.

        The instant alone does not tell: plans may be made for one and the same, or for an earlier one.
        """
        plans = [self.load(str(path)) for path in (self.folder / "plans").glob("*.json")]
        followers: dict[str | None, list[Plan]] = {}
        there = {plan.id for plan in plans}
        for plan in sorted(plans, key=lambda plan: (plan.at, plan.id)):
            followers.setdefault(plan.parent if plan.parent in there else None, []).append(plan)
        ordered = followers.get(None, [])
        for plan in ordered:
            # Grows while it is gone through: first those that follow nothing, then those that follow them.
            ordered += followers.get(plan.id, [])
        return ordered

    def _path(self, identity: str) -> Path:
        return self.folder / "plans" / f"{_file_name(identity)}.json"

    def _find(self, reference: str) -> Path:
        if reference == "latest":
            latest = self.latest()
            if latest is None:
                raise InputError(f"no plan is recorded under {self.folder}; make one with `situs plan`")
            reference = latest
        direct = Path(reference)
        if direct.suffix == ".json" and direct.exists():
            return direct
        hits = self._hits(reference)
        if len(hits) == 1:
            return hits[0]
        if hits:
            raise InputError(f"{reference!r} is the beginning of {len(hits)} plans; give more of the id")
        raise InputError(f"there is no plan {reference!r} under {self.folder}; `situs records` lists them")

    def _hits(self, reference: str) -> list[Path]:
        prefix = _file_name(reference)
        return (
            sorted((self.folder / "plans").glob(f"{prefix}*.json")) if len(prefix) >= SHORTEST_PREFIX else []
        )

    @staticmethod
    def _write(path: Path, text: str, *, replace: bool = False) -> None:
        if path.exists() and not replace:
            return
        write_atomically(path, text.encode())


def _written(plan: Plan) -> str:
    return json.dumps(plan.model_dump(mode="json"), indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def _cause(error: ValidationError | OSError) -> str:
    if isinstance(error, OSError):
        return error.strerror or str(error)
    first = error.errors(include_url=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    return f"{where}: {first['msg']}" if where else first["msg"]


def _file_name(identity: str) -> str:
    """An id as a file name; what is not hexadecimal is no id, so a path can never be smuggled in."""
    digest = identity.removeprefix("sha256:")
    return digest if digest and all(c in "0123456789abcdef" for c in digest) else "-"
