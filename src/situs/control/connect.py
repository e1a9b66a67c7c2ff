"""From a site of the estate to the adapter that reaches it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from situs.model.estate import Site
from situs.sites.adapter import Adapter, Capability, Health, Unreachable
from situs.sites.registry import opened

Connect = Callable[[str, Site], Adapter]


def by_kind(folder: Path) -> Connect:
    """Sites of every kind there is; what one keeps on this machine is below ``folder``."""

    def connect(name: str, site: Site) -> Adapter:
        return opened(name, site, folder)

    return connect


class Closed:
    """A site that cannot be opened, and says so whatever it is asked."""

    capabilities: frozenset[Capability] = frozenset()

    def __init__(self, why: str) -> None:
        self._why = why

    def health(self) -> Health:
        """Why it cannot be opened."""
        return Health(False, self._why, "put right the site's adapter in the estate, and apply a plan of it")

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)

        def refuse(*_arguments: object, **_options: object) -> Any:
            raise Unreachable(self._why)

        return refuse
