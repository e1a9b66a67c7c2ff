"""A Slurm cluster as a site, driven by its REST daemon, which leads nobody onto a node."""

from __future__ import annotations

from situs.sites.shell import Shell
from situs.sites.slurm.place import Place
from situs.sites.slurm.rest.api import SlurmApi
from situs.sites.slurm.rest.control import RestControl
from situs.sites.slurm.site import ClusterSite
from situs.sites.slurm.submission import SlurmOptions


class SlurmRestSite(ClusterSite):
    """A cluster with ``slurmrestd``."""

    def __init__(self, shell: Shell, options: SlurmOptions, api: SlurmApi) -> None:
        """``shell``: of a host that sees the folder, at ``options.mount`` if not where the nodes do."""
        place = Place(shell, options.folder, options.mount)
        super().__init__(place, RestControl(place, options, api))
