"""Something to run on, where nobody has put a plan in force yet: the sites of the estate, or this machine alone.

The plan that is put in force then places nothing; it only says which sites and rules there are.  What the estate's
own files ask for waits until somebody plans and applies that.
"""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime
from pathlib import Path

from situs.intent import load, loads
from situs.model.error import InputError
from situs.model.intent import Intent
from situs.store import plans
from situs.store.database import Database
from situs.store.plans import StalePlan

REASON = "sites for what is handed in; it places nothing"
NOWHERE = "ZZ"
"""ISO 3166 leaves it to users; nothing that is limited to jurisdictions may be there."""
MARKS = ("estate.yaml", "estate.yml", "sites.yaml", "sites.yml", "sites")


def has_estate(folder: Path) -> bool:
    """Whether a folder, or file, describes an estate."""
    return _read(folder) is not None


def ensure(database: Database, estate: Path, by: str) -> bool:
    """Put a plan in force that has the sites and places nothing, unless one is; False when one was.

    Raises InputError for an estate with errors.
    """
    with database.read() as connection:
        if plans.in_force(connection) is not None:
            return False
    # Loaded where nothing is in force yet: all other commands begin without a planner.
    from situs.control.orders import apply
    from situs.facts import load as load_facts
    from situs.planner.decide import decide
    from situs.store.catalogues import Catalogues
    from situs.store.records import Records

    found = _read(estate)
    home = estate if estate.is_dir() else estate.parent
    facts = Catalogues(home).facts(()) if found is not None else load_facts()
    intent = (found or this_machine()).model_copy(update={"workloads": {}})
    at = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    plan = decide(intent, facts, at, owner=by, reason=REASON).plan
    if found is not None:
        # The next `situs plan` follows it then.
        Records(home).save(plan, intent, facts)
    try:
        apply(database, plan, intent, facts, {}, by, REASON)
    except StalePlan:
        # Somebody else was faster, which is as good.
        return False
    return True


def this_machine() -> Intent:
    """An estate of this machine alone."""
    from situs.sites.discover import found_sites, written

    text = written(
        found_sites(everything=False, home=Path.home(), environment=os.environ), _country(), regions={}
    )
    return loads(text, "this machine").intent


def _country() -> str:
    # A language is no place: what this machine is set to speak says nothing about the law it is under.
    given = os.environ.get("SITUS_COUNTRY", "")
    return given if re.fullmatch("[A-Z]{2}", given) else NOWHERE


def _read(folder: Path) -> Intent | None:
    marked = folder.is_file() or any((folder / mark).exists() for mark in MARKS)
    try:
        intent = load(folder).intent
    except InputError:
        # The YAML files of a project that is no estate are none of our business.
        if marked:
            raise
        return None
    return intent if intent.sites else None
