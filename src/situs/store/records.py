"""Decision records: every plan with what it was made from, kept by content in plain files.

::

    .situs/
      plans/<id>.json      the plan
      intents/<hash>.json  the estate it was made for
      latest               the id of the plan that was recorded last

A record is written beside its place and moved there in one step, so that a crash leaves either the whole
record or none.  Records are never changed; writing one that is there already does nothing.
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

from pydantic import ValidationError

from situs.intent import input_hash
from situs.model.error import InputError
from situs.model.intent import Intent
from situs.model.plan import Plan

SHORTEST_PREFIX = 4
"""An id may be shortened as far as it stays unique, but not to a single stray key."""


class Records:
    """The decision records of one estate's folder."""

    def __init__(self, estate: Path) -> None:
        self.folder = estate / ".situs"

    def save(self, plan: Plan, intent: Intent) -> Path:
        """Record a sealed plan with its intent; gives the plan's file."""
        self._write(
            self.folder / "intents" / f"{_file_name(input_hash(intent))}.json",
            intent.model_dump_json(by_alias=True),
        )
        path = self.folder / "plans" / f"{_file_name(plan.id)}.json"
        self._write(
            path,
            json.dumps(plan.model_dump(mode="json"), indent=1, sort_keys=True, ensure_ascii=False) + "\n",
        )
        self._write(self.folder / "latest", plan.id + "\n", replace=True)
        return path

    def latest(self) -> str | None:
        """The id of the plan recorded last."""
        path = self.folder / "latest"
        return path.read_text(encoding="utf-8").strip() if path.exists() else None

    def load(self, reference: str) -> Plan:
        """The plan by its id, an unambiguous beginning of it, ``latest``, or a file. Raises InputError."""
        path = self._find(reference)
        try:
            plan = Plan.model_validate_json(path.read_bytes())
        except (ValidationError, OSError) as error:
            raise InputError(f"{path} is not a readable plan: {str(error).splitlines()[0]}") from None
        if plan.sealed().id != plan.id:
            raise InputError(
                f"{path} was changed after it was made: its content no longer has the id {plan.id}"
            )
        return plan

    def intent_of(self, plan: Plan) -> Intent:
        """The estate the plan was made for. Raises InputError when it was not recorded."""
        path = self.folder / "intents" / f"{_file_name(plan.provenance.input_hash)}.json"
        if not path.exists():
            raise InputError(f"the estate of plan {plan.id[:19]} is not recorded under {self.folder}")
        return Intent.model_validate_json(path.read_bytes())

    def all(self) -> list[Plan]:
        """All recorded plans, oldest instant first."""
        plans = [self.load(str(path)) for path in sorted((self.folder / "plans").glob("*.json"))]
        return sorted(plans, key=lambda plan: (plan.at, plan.id))

    def _find(self, reference: str) -> Path:
        if reference == "latest":
            latest = self.latest()
            if latest is None:
                raise InputError(f"no plan is recorded under {self.folder}; make one with `situs plan`")
            reference = latest
        direct = Path(reference)
        if direct.suffix == ".json" and direct.exists():
            return direct
        prefix = _file_name(reference)
        hits = (
            sorted((self.folder / "plans").glob(f"{prefix}*.json")) if len(prefix) >= SHORTEST_PREFIX else []
        )
        if len(hits) == 1:
            return hits[0]
        if hits:
            raise InputError(f"{reference!r} is the beginning of {len(hits)} plans; give more of the id")
        raise InputError(f"there is no plan {reference!r} under {self.folder}; `situs records` lists them")

    @staticmethod
    def _write(path: Path, text: str, *, replace: bool = False) -> None:
        if path.exists() and not replace:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".new-")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise


def _file_name(identity: str) -> str:
    """An id as a file name; what is not hexadecimal is no id, so a path can never be smuggled in."""
    digest = identity.removeprefix("sha256:")
    return digest if digest and all(c in "0123456789abcdef" for c in digest) else "-"
