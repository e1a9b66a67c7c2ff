"""Which datasets there are, where the estate says that they are, and where the rules let them be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from situs.control.data.replicas import Replica, Replicas
from situs.control.ground import has_estate
from situs.control.room_taken import with_results
from situs.facts import Facts
from situs.intent import load
from situs.model.error import InputError, SitusError
from situs.model.intent import Intent
from situs.model.refusal import Refusal
from situs.policy import Policy
from situs.store import plans
from situs.store.catalogues import Catalogues
from situs.store.database import Database


@dataclass(frozen=True)
class Known:
    """An estate with the data that were made since, and the rules."""

    intent: Intent
    policy: Policy

    def may_be_at(self, dataset: str) -> Sequence[str]:
        """Sites that the rules allow."""
        return [site for site in sorted(self.intent.sites) if not self.policy.dataset_refusals(dataset, site)]

    def must_be_data(self, dataset: str) -> None:
        """Raises InputError for a name that no data have."""
        if dataset not in self.intent.datasets:
            there = ", ".join(sorted(self.intent.datasets)) or "none yet"
            raise InputError(f"the estate has no data {dataset!r}; it has {there}")

    def must_be_site(self, site: str) -> None:
        """Raises InputError for a name that no site has."""
        if site not in self.intent.sites:
            raise InputError(
                f"the estate has no site {site!r}; it has {', '.join(sorted(self.intent.sites))}"
            )


class MayNotBeThere(SitusError):
    """The rules do not let the data be at a site."""

    def __init__(self, dataset: str, site: str, refusals: Sequence[Refusal], allowed: Sequence[str]) -> None:
        super().__init__(f"{dataset} may not be at {site}: {', '.join(refusal.rule for refusal in refusals)}")
        self.dataset = dataset
        self.site = site
        self.refusals = refusals
        self.allowed = allowed


@dataclass(frozen=True)
class Listed:
    """Data of a name at a site, or that they are not there."""

    dataset: str
    level: int
    """of the label; without one it is treated as the highest class"""
    site: str | None
    """None: the estate does not say where they are, and they are nowhere"""
    declared: bool
    """the estate says that they are there, or a run has brought them there"""
    replica: Replica | None
    """None: there are none"""


def known(database: Database | None, estate: Path) -> Known:
    """As the estate's files have it, else the plan in force. Raises InputError."""
    kept = None
    if database is not None:
        with database.read() as connection:
            target = plans.in_force(connection)
            if target is not None:
                kept = with_results(connection, plans.load(connection, target.plan))
    if kept is None and not has_estate(estate):
        raise InputError("there is no estate here, so no data are known; `situs init` describes one")
    if not has_estate(estate):
        assert kept is not None
        return Known(kept.intent, _policy(kept.intent, kept.facts, kept.plan.provenance.off))
    intent, facts = load(estate).intent, Catalogues(estate).facts(())
    if kept is None:
        return Known(intent, _policy(intent, facts))
    intent = _with_made(intent, kept.intent)
    # What the plan has switched off may be a rule that its estate does not have any more.
    there = {rule.id for rule in _policy(intent, facts).rules}
    return Known(intent, _policy(intent, facts, kept.plan.provenance.off & there))


def sites_for(known: Known, dataset: str, asked: Sequence[str]) -> Sequence[str]:
    """Where data that are brought are to be, allowed by the rules. Raises InputError, and MayNotBeThere."""
    known.must_be_data(dataset)
    for site in asked:
        known.must_be_site(site)
    sites = list(dict.fromkeys(asked)) or sorted(known.intent.datasets[dataset].replicas)
    if not sites:
        may = ", ".join(known.may_be_at(dataset)) or "none"
        raise InputError(
            f"the estate does not say where {dataset} is; give --site, of those that may have it: {may}"
        )
    for site in sites:
        if refusals := known.policy.dataset_refusals(dataset, site):
            raise MayNotBeThere(dataset, site, refusals, known.may_be_at(dataset))
    return sites


def listed(known: Known, folder: Path) -> Iterator[Listed]:
    """All data, wherever the estate says they are, and wherever they are besides."""
    replicas = Replicas(folder)
    there: dict[str, set[str]] = {}
    for site, dataset in replicas.at_sites():
        there.setdefault(dataset, set()).add(site)
    for name, described in sorted(known.intent.datasets.items()):
        level = known.policy.labels.datasets[name].level
        declared = set(described.replicas)
        sites = sorted(declared | (there.get(name, set()) & set(known.intent.sites)))
        for site in sites:
            yield Listed(name, level, site, site in declared, replicas.find(site, name))
        if not sites:
            yield Listed(name, level, None, False, None)


def _with_made(intent: Intent, made: Intent) -> Intent:
    """With the data that runs have made, and where they have brought them."""
    outputs = {output.dataset for workload in intent.workloads.values() for output in workload.outputs}
    datasets = dict(made.datasets)
    for name, described in intent.datasets.items():
        before = made.datasets[name].replicas if name in made.datasets else ()
        brought = [site for site in before if site in intent.sites and site not in described.replicas]
        more = brought if name in outputs else []
        datasets[name] = described.model_copy(update={"replicas": (*described.replicas, *more)})
    return intent.model_copy(update={"datasets": datasets})


def _policy(intent: Intent, facts: Facts, off: frozenset[str] = frozenset()) -> Policy:
    at = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    return Policy(intent, facts, at, off)
