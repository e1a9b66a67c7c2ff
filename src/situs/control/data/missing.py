"""Data that a run reads and that nobody has brought yet: it waits for them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from situs.control.data.replicas import Replicas
from situs.model.error import SitusError
from situs.model.plan import Assignment, Replica


@dataclass(frozen=True)
class Missing:
    """Data of a name that are not at the site where the plan reads them, or copies them from."""

    dataset: str
    site: str

    @property
    def next_step(self) -> str:
        """What a person can do."""
        return f"`situs data put {self.dataset} PATH --site {self.site}`"


class NoData(SitusError):
    """A run cannot begin before its data are there."""

    def __init__(self, missing: Missing) -> None:
        super().__init__(f"{missing.dataset} has no data at {missing.site}")
        self.next_step = f"{missing.next_step}; it begins once they are there"


def missing(folder: Path, at: Assignment, plan: Sequence[Replica]) -> Iterator[Missing]:
    """What a run at a place lacks. ``folder``: where the sites' data are kept; ``plan``: which copies are made."""
    replicas = Replicas(folder)
    for dataset, home in sorted(at.reads.items()):
        origin = origin_of(plan, dataset, home)
        if not any(replicas.is_there(site, dataset) for site in (home, origin) if site is not None):
            yield Missing(dataset, origin or home)


def origin_of(plan: Sequence[Replica], dataset: str, site: str) -> str | None:
    """The site that a plan copies a replica from; None: it makes none at this site."""
    return next((r.source for r in plan if (r.dataset, r.site, r.change) == (dataset, site, "create")), None)
