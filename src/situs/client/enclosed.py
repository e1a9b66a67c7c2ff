"""Files of a folder that are sent along with what is asked for: what its runs need, and nothing else of it."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from situs.model.error import InputError
from situs.model.intent import Intent

LARGEST_BYTES = 16 << 20
"""Of all of them together: a request may have 24 MiB, and in base64 they are a third larger."""


def of_estate(intent: Intent, folder: Path) -> dict[str, bytes]:
    """What the runs of an estate need of its folder, by path in it. Raises InputError with all that is missing."""
    # Says what is missing, of all workloads.
    from situs.control.orders import files_of

    files_of(intent, folder)
    runs = [workload.run for workload in intent.workloads.values() if workload.run is not None]
    wanted = {name for run in runs for name in run.files}
    for run in runs:
        if run.code is not None and run.code not in wanted:
            wanted |= set(of_code(folder, run.code, run.state))
    return read(folder, wanted)


def of_code(folder: Path, code: str, state: Iterable[str]) -> Iterator[str]:
    """Paths of the files of a folder of code."""
    from situs.control.shipping import snapshot

    for name in snapshot(folder / code, leave_out=tuple(state)).files:
        yield (Path(code) / name).as_posix()


def read(folder: Path, names: Iterable[str]) -> dict[str, bytes]:
    """Content of each. Raises InputError for what is not there, or too much."""
    found: dict[str, bytes] = {}
    for name in sorted(names):
        path = (folder / name).resolve()
        if not path.is_relative_to(folder.resolve()) or not path.is_file():
            raise InputError(
                f"a run needs the file {name!r}, which is not there (it must be a file in {folder})"
            )
        found[name] = path.read_bytes()
    if (size := sum(map(len, found.values()))) > LARGEST_BYTES:
        raise InputError(
            f"{folder} has {size / 2**20:.1f} MiB to send along, more than the {LARGEST_BYTES >> 20} MiB that fit "
            "into a request; make datasets of what is large"
        )
    return found


def encoded(files: Mapping[str, bytes]) -> dict[str, str]:
    """The same as they go over the wire."""
    return {name: base64.b64encode(content).decode() for name, content in files.items()}
