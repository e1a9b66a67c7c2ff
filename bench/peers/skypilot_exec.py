"""``sky exec`` on a cluster that SkyPilot has up already, on a real Slurm that a real OpenSSH leads to.

That is its quickest way to run a script, and the nearest one to ours that needs neither Kubernetes nor a cloud.  The
cluster (``sky launch``) is not part of what is measured; the API server that its client speaks with is up as well.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.overhead.terminal import changed, first_line_s
from bench.peers.skypilot import PYTHON, skypilot_version
from bench.peers.skypilot_server import HASH, SLURM, OwnHome, served

CLUSTER = "bench"


class SkyPilot:
    """A cluster that is up."""

    def __init__(self, home: OwnHome, folder: Path) -> None:
        self._home, self._folder = home, folder
        self.name = f"SkyPilot {skypilot_version()}: sky exec, Slurm by SSH"

    def first_line_s(self, code: Path) -> float:
        """How long ``sky exec`` takes."""
        words = [
            *self._home.within,
            str(PYTHON.with_name("sky")),
            "exec",
            CLUSTER,
            str(_task(self._folder, code)),
        ]
        return first_line_s(words, cwd=code, env=self._home.env)


@contextmanager
def skypilot(folder: Path) -> Iterator[SkyPilot]:
    """One cluster, until this is left. Raises CannotMeasure with what is missing for it."""
    with served(folder) as there:
        there.provide(f"{CLUSTER}-{HASH}")
        (folder / "first").mkdir()
        changed(folder / "first", 0)
        there.home.run("sky", "launch", "--yes", "--cluster", CLUSTER, str(_task(folder, folder / "first")))
        yield SkyPilot(there.home, folder)


def _task(folder: Path, code: Path) -> Path:
    """What is to be run: the same script, of the same folder."""
    task = {
        "resources": {"infra": f"slurm/{SLURM}", "cpus": 2, "memory": "4+"}, "workdir": str(code),
        "run": "python3 train.py",
    }  # fmt: skip
    path = folder / f"{code.name}.yaml"
    path.write_text(json.dumps(task))
    return path
