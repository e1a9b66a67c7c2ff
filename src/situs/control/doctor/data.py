"""Data that the estate says are at a site, and that nobody has brought there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from situs.control.data.replicas import Replicas
from situs.control.doctor.finding import Finding
from situs.model.intent import Intent


def data(intent: Intent, folder: Path) -> Iterator[Finding]:
    """What is declared and absent: a warning where something of the estate that can be run reads it, else a hint.

    ``folder``: where the sites' data are kept.
    """
    replicas = Replicas(folder)
    reads = {item.dataset for w in intent.workloads.values() if w.run is not None for item in w.inputs}
    for name, dataset in sorted(intent.datasets.items()):
        for site in dataset.replicas:
            if not replicas.is_there(site, name):
                yield Finding("data-missing", "warning" if name in reads else "hint", name, {"site": site})
