"""The code of a run at its site: sent once where the site keeps files, else with each run."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path, PurePosixPath

from situs.control.shipping.packages import lock_digest
from situs.model.workload import Run
from situs.sites.adapter import Adapter, Keeps, Key

NONE = "-"
FAILED = 125
"""Exit code of a run that never came to its program."""


def launched(
    key: Key, site: Adapter, archive: bytes, run: Run, command: tuple[str, ...], guard: Callable[[], None]
) -> tuple[str, ...]:
    """Send what is not there yet; gives the command that unpacks it and then becomes ``command``."""
    script = (files("situs.control.shipping") / "launch.sh").read_bytes()
    digest = lock_digest(archive, run.packages) if run.packages else NONE
    with tempfile.TemporaryDirectory(prefix="situs-") as scratch:
        code = _sent(key, site, archive, Path(scratch), ".situs-code.tgz", guard)
        launcher = _sent(key, site, script, Path(scratch), ".situs-launch.sh", guard)
    cache = str(PurePosixPath(code).parent.parent / "envs") if isinstance(site, Keeps) else NONE
    return ("sh", launcher, code, cache, run.packages or NONE, digest, run.python or "python3", *command)


def _sent(
    key: Key, site: Adapter, content: bytes, scratch: Path, name: str, guard: Callable[[], None]
) -> str:
    """Where the content is, as the run sees it."""
    path = scratch / name
    path.write_bytes(content)
    guard()
    if isinstance(site, Keeps):
        return site.keep(key, path, hashlib.sha256(content).hexdigest())
    site.put(key, path, name)
    return name
