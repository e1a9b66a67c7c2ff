"""Bringing one checkpoint to the sites that it is kept at: each file once, checked by its digest, on from where it
stopped.

Whatever is interrupted leaves the copy unfinished: whoever leads next goes on with it, or begins a newer one.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from situs.control.staging import Bring
from situs.control.sweeps.reports import FILE, parsed
from situs.model.checkpoint import StateFile
from situs.model.error import SitusError
from situs.sites.adapter import Adapter, Key, Unreachable
from situs.sites.checkpoints import Checkpoints, HoldsCheckpoints
from situs.store.checkpoints import Copy

Guard = Callable[[], None]


@dataclass(frozen=True)
class Spool:
    """A folder of this machine that files pass through."""

    folder: Path

    def of(self, copy: Copy) -> Path:
        """Where those of a copy are."""
        return self.folder / copy.name

    def names(self) -> set[str]:
        """Copies that have something here."""
        return {path.name for path in self.folder.iterdir()} if self.folder.is_dir() else set()

    def clear(self, names: set[str]) -> None:
        """Remove what is here of these copies."""
        for name in names:
            shutil.rmtree(self.folder / name, ignore_errors=True)


def checkpoints_of(name: str, site: Adapter | None) -> Checkpoints:
    """The copies at a site. Raises Unreachable while it is not open, SitusError for a kind that holds none."""
    if site is None:
        raise Unreachable(f"{name} is not open")
    if not isinstance(site, HoldsCheckpoints):
        raise SitusError(f"{name} is of a kind that cannot hold checkpoints; those of kind local and ssh can")
    return site.checkpoints()


def brought(
    copy: Copy, source: Checkpoints, target: Checkpoints, earlier: Sequence[Copy], spool: Spool, guard: Guard
) -> int:  # fmt: skip
    """Have a copy whole at a target; gives how many bytes were sent for it.

    ``earlier``: copies that are safe there, whose files are not sent again. Raises Damaged when what was taken down
    is not there as it was.
    """
    sent = 0
    for file in {file.sha256: file for file in copy.files or ()}.values():
        guard()
        if any(target.adopt(copy.name, file, other.name) for other in earlier if _has(other, file)):
            continue
        path = spool.of(copy) / file.sha256
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            guard()
            source.withdraw(copy.name, file, path)
        guard()
        target.deposit(copy.name, file, path)
        sent += file.size_bytes
    return sent


def _has(copy: Copy, file: StateFile) -> bool:
    return any(other.sha256 == file.sha256 for other in copy.files or ())


def from_copy(copy: Copy, site: Checkpoints) -> Bring:
    """The state that a copy has, which is whole or cannot be gone on from."""
    files = {file.name: file for file in copy.files or ()}

    def bring(name: str, path: Path) -> bool:
        if name not in files:
            return False
        site.withdraw(copy.name, files[name], path)
        return True

    return bring


def last_step(site: Adapter, key: Key) -> int | None:
    """The last step that a run has reported; None when it reports none. Raises Unreachable."""
    with tempfile.TemporaryDirectory(prefix="situs-") as scratch:
        path = Path(scratch) / "report"
        try:
            site.get(key, FILE, path)
        except Unreachable:
            raise
        except SitusError:
            # It has not reported yet, or is just doing that.
            return None
        reports = parsed(path.read_bytes(), key.workload, key.generation, 0, whole=False)
    return next((report.step for report in reversed(reports) if report.step is not None), None)
