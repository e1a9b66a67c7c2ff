"""From the command to the first line of a script's output, beside what others take for it on this machine.

``situs run`` on this machine and at a host behind a real OpenSSH, with the control plane up; cold: the folder's files
are new and have to be sent, warm: nothing has changed since the last run.  All take turns, so that each has its share
of whatever else the machine does meanwhile.
"""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from bench.figure import CannotMeasure, Figure, Protocol
from bench.overhead import plain
from bench.overhead.ours import SITES, Ours, ours
from bench.overhead.terminal import NoOutput, changed
from bench.peers.skypilot_exec import skypilot
from bench.slurm_cluster import SlurmCluster, missing_packages
from bench.sshd import NoServer, SshServer, access

ROUNDS = 20
OWN = tuple(f"{site}-{state}" for site in SITES for state in ("warm", "cold"))
DSTACK = "dstack"
NO_DSTACK = (
    "cannot run here: its server starts on hosts what it downloads from its makers, a shim and a runner in Go that "
    "no package registry has, and runs everything in images of Docker Hub"
)
"""Why nothing is said of it: what is not measured has no figure."""


def figures(_protocol: Protocol) -> Iterator[Figure]:
    with tempfile.TemporaryDirectory(prefix="situs-overhead-") as folder, ExitStack() as stack:
        turns, missing = _turns(Path(folder), stack)
        took: dict[str, list[float]] = {name: [] for name in turns}
        for number in range(-1, ROUNDS):
            for name in [name for name in turns if name not in missing]:
                try:
                    seconds = turns[name](number)
                except NoOutput as error:
                    if name in OWN:
                        raise
                    missing[name] = f"it failed: {error}"
                    continue
                # The first of each is to warm up: nobody has read its files from the disk yet.
                if number >= 0:
                    took[name].append(seconds)
    yield from _told({name: seconds for name, seconds in took.items() if name not in missing}, missing)


def _turns(folder: Path, stack: ExitStack) -> tuple[dict[str, Callable[[int], float]], dict[str, str]]:
    """What is measured, and why others are not."""
    turns: dict[str, Callable[[int], float]] = {}
    missing: dict[str, str] = {DSTACK: NO_DSTACK}
    try:
        server = SshServer(folder / "sshd")
    except NoServer as error:
        raise CannotMeasure(str(error)) from None
    stack.callback(server.stop)
    still, moving, bare = folder / "still", folder / "moving", folder / "bare"
    for code in (still, moving, bare):
        code.mkdir()
        changed(code, 0)
    our = stack.enter_context(ours(folder / "ours", server))
    for site in SITES:
        turns[f"{site}-warm"] = lambda _number, site=site: our.first_line_s(site, still)  # type: ignore[misc]
        turns[f"{site}-cold"] = lambda number, site=site: _cold(our, site, moving, number)  # type: ignore[misc]
    known = access(folder, server).known_hosts
    assert known is not None
    turns["ssh HOST python3 train.py"] = lambda _: plain.over_ssh(server, known, bare)
    if lacking := missing_packages():
        missing["srun"] = f"needs Slurm: apt-get install {' '.join(lacking)}"
    else:
        slurm = SlurmCluster(folder / "slurm", nodes=1)
        stack.callback(slurm.stop)
        slurm.start()
        turns["srun python3 train.py"] = lambda _: plain.by_srun(slurm, bare)
        turns["sbatch, and its file"] = lambda _: plain.by_sbatch(slurm, bare)
    try:
        peer = stack.enter_context(skypilot(folder / "skypilot"))
        turns[peer.name] = lambda _: peer.first_line_s(still)
    except CannotMeasure as reason:
        missing["SkyPilot"] = str(reason)
    return turns, missing


def _cold(our: Ours, site: str, code: Path, number: int) -> float:
    changed(code, 2 * number + SITES.index(site))
    return our.first_line_s(site, code)


def _told(took: Mapping[str, Sequence[float]], missing: Mapping[str, str]) -> Iterator[Figure]:
    full = [name for name in took if name.startswith("SkyPilot")]
    for name in OWN:
        for share, value in _quantiles(took[name]).items():
            beside = {
                other: round(_quantiles(seconds)[share], 4)
                for other, seconds in took.items()
                if other not in OWN and other not in full
            }
            extra = {"runs": len(took[name]), "beside": beside}
            for peer in full:
                theirs = _quantiles(took[peer])[share]
                yield Figure(f"overhead.{name}-{share}", value, "s", peer, theirs, {"bar": theirs, **extra})
            for peer, reason in missing.items():
                yield Figure(f"overhead.{name}-{share}", value, "s", peer, None, {"reason": reason, **extra})


def _quantiles(seconds: Sequence[float]) -> dict[str, float]:
    hundredths = statistics.quantiles(seconds, n=100, method="inclusive")
    return {"p50": hundredths[49], "p95": hundredths[94]}
