"""What people name of a run at any site, and are told of it: files of its folder, signals, that it runs."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from signal import Signals

from situs.model.error import SitusError


def still_runs(workload: str) -> SitusError:
    """To be raised where only a run that has ended may be removed."""
    return SitusError(f"{workload} still runs; stop it first")


def inside(name: str) -> PurePosixPath:
    """A path below the run's folder. Raises SitusError for one that leads elsewhere."""
    path = PurePosixPath(name)
    if not path.name or path.is_absolute() or ".." in path.parts or "\0" in name:
        raise SitusError(f"{name!r} is no file in the run's folder")
    return path


def found_below(folder: Path, name: str) -> Path:
    """Where a file in a folder of this machine really is. Raises SitusError for one that links lead out of it."""
    folder = folder.resolve()
    path = (folder / name).resolve()
    if path == folder or not path.is_relative_to(folder):
        raise SitusError(f"{name!r} is no file in the run's folder")
    return path


def signal_of(name: str, last: int | None = None) -> Signals:
    """The signal of a name; ``last``: the highest number that the site knows. Raises SitusError for another one."""
    found = Signals.__members__.get(name)
    if found is None or (last is not None and not 1 <= found <= last):
        raise SitusError(f"{name!r} is no signal; write it as SIGTERM or SIGUSR1")
    return found
