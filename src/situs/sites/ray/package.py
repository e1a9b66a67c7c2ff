"""What is sent to a cluster for a run: our two scripts, the task, and its files.

The same content always gives the same bytes, so that many who start a run at once send one package.
"""

from __future__ import annotations

import io
import tarfile
import zipfile
from importlib.resources import files
from pathlib import Path

from situs.model.error import SitusError

LARGEST = 400 << 20
"""A cluster keeps packages in its head's memory and takes none of half a GiB."""
EPOCH = (1980, 1, 1, 0, 0, 0)


def tools() -> bytes:
    """The scripts alone."""
    return _zipped({})


def package(task: bytes, folder: Path) -> bytes:
    """The scripts, a task and all files of a folder. Raises SitusError when that is too much."""
    found = sorted(path for path in folder.rglob("*") if path.is_file()) if folder.exists() else []
    if sum(path.stat().st_size for path in found) > LARGEST:
        raise SitusError(
            f"a Ray cluster takes {LARGEST >> 20} MiB of files for a run; have it read more from a store by itself"
        )
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path in found:
            entry = tarfile.TarInfo(str(path.relative_to(folder)))
            entry.size = path.stat().st_size
            entry.mode = 0o755 if path.stat().st_mode & 0o111 else 0o644
            with path.open("rb") as file:
                tar.addfile(entry, file)
    # Packed twice, as Ray loses the right to run a file.
    return _zipped({"task": task, "files.tar": packed.getvalue()})


def _zipped(more: dict[str, bytes]) -> bytes:
    scripts = {
        "posix.sh": (files("situs.sites") / "posix.sh").read_bytes(),
        "run.py": (files("situs.sites.ray") / "run.py").read_bytes(),
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in {**scripts, **more}.items():
            archive.writestr(zipfile.ZipInfo(name, EPOCH), content, zipfile.ZIP_DEFLATED, 1)
    return out.getvalue()
