"""Real services that a test needs for a while; it is skipped, and says so, where Debian's packages are missing."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from bench import slurm_cluster
from bench.slurm_cluster import NODES, SlurmCluster
from tests.sites import container_engine, slurm_rest
from tests.sites.container_engine import ContainerEngine
from tests.sites.slurm_rest import SlurmRest


@contextmanager
def started_cluster(folder: Path, nodes: int = NODES, *, tokens: bool = False) -> Iterator[SlurmCluster]:
    """A Slurm cluster; ``tokens``: one that can be asked by REST too."""
    _must_have(slurm_rest.missing() if tokens else slurm_cluster.missing_packages())
    cluster = SlurmCluster(folder, nodes=nodes, tokens=tokens)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


@contextmanager
def started_rest(cluster: SlurmCluster) -> Iterator[SlurmRest]:
    """Slurm's REST daemon before a cluster."""
    daemon = SlurmRest(cluster)
    try:
        daemon.start()
        yield daemon
    finally:
        daemon.end()
        shutil.rmtree(daemon.folder, ignore_errors=True)


@contextmanager
def started_engine(folder: Path) -> Iterator[ContainerEngine]:
    """A container engine that has the image of these tests."""
    _must_have(container_engine.missing_packages())
    engine = ContainerEngine(folder)
    try:
        engine.start()
        engine.load_image()
        yield engine
    finally:
        engine.stop()


def _must_have(missing: Sequence[str]) -> None:
    if missing:
        pytest.skip(f"needs Debian packages: {' '.join(missing)}")
