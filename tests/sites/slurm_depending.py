"""What waits for a job of a Slurm cluster, however the cluster is driven."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bench.slurm_cluster import SlurmCluster
from situs.sites.adapter import Adapter, Key, Task
from situs.sites.conformance.waiting import ended, python, until


def it_runs_after_it_or_never(
    cluster: SlurmCluster, folder: Path, site_with: Callable[[str], Adapter]
) -> None:
    """``site_with`` opens the site with such a ``dependency``."""
    gate = folder / "gate"
    for code in (0, 3):
        gate.unlink(missing_ok=True)
        wait = f"while [ ! -e {gate} ]; do sleep 0.05; done; exit {code}"
        first = cluster.command("sbatch", "--parsable", "--output=/dev/null", f"--wrap={wait}").strip()
        site, key = site_with(f"afterok:{first}"), Key(f"after-{code}", 1)
        site.start(Task(key, python("print('ran')")))
        until(
            lambda site=site, key=key: "Dependency" in (site.status(key).detail or ""), "it waits for the job"
        )
        assert site.status(key).state == "queued"
        gate.touch()
        status = ended(site, key)
        assert (status.reason, status.succeeded) == (("exited", True) if code == 0 else ("dependency", False))
        assert site.logs(key)[0] == (b"ran\n" if code == 0 else b"")
