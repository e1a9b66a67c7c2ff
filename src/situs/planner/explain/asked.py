"""Whether what is asked about is there."""

from __future__ import annotations

from situs.intent.hints import did_you_mean
from situs.model.error import InputError
from situs.model.intent import Intent


def known(intent: Intent, workload: str, site: str | None = None) -> None:
    """Raise InputError with the likely name where the estate has no such workload or site."""
    for name, mapping, what in ((workload, intent.workloads, "workload"), (site, intent.sites, "site")):
        if name is not None and name not in mapping:
            meant = did_you_mean(name, mapping) or f"there are {', '.join(sorted(mapping))}"
            raise InputError(f"there is no {what} {name!r}; {meant}")
