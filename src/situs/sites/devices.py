"""Accelerators of one machine: which are there, and who gets which.

A run is told its own by number, as CUDA reads them from ``CUDA_VISIBLE_DEVICES``; nobody is kept by force from others,
so what a program sees is what it was given only as long as it leaves that variable alone.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType

NONE_SIMULATED: Mapping[str, int] = MappingProxyType({})
WHOLE = 1000
"""Parts are reckoned in thousandths, as shells know whole numbers alone."""
ANSWER_S = 20.0
"""A driver that wakes up takes seconds; one that hangs answers never."""
DRIVER = Path("/dev/nvidiactl")
"""Is there when a program could use accelerators, whoever has them."""


def thousandths(share: float) -> int:
    """A part of one, never less than a thousandth of it."""
    return min(WHOLE, max(1, round(share * WHOLE)))


def models() -> list[str]:
    """The models of those that are here, in the order of their numbers; none without NVIDIA's tool."""
    return [line.partition(",")[2].strip() for line in _told()]


def model_name(text: str) -> str:
    """A model as estates write it."""
    return re.sub(r"[^A-Za-z0-9.-]+", "-", text).strip("-")


def numbers(simulated: int) -> list[int]:
    """Numbers of those that are here, and after them of those that are only simulated."""
    there = [int(line.partition(",")[0]) for line in _told()]
    first = max(there, default=-1) + 1
    return [*there, *range(first, first + simulated)]


def chosen(there: Iterable[int], taken: Iterable[tuple[int, int]], count: int, part: int) -> list[int]:
    """So many of them that each have that many thousandths left; fewer where there are not as many.

    ``taken``: numbers, and thousandths that somebody has of each. Parts go where others have parts already, so that
    whole ones stay free.
    """
    left = dict.fromkeys(there, WHOLE)
    for number, had in taken:
        if number in left:
            left[number] -= had
    fitting = [number for number in left if left[number] >= part]
    return sorted(fitting, key=lambda number: left[number])[:count]


def environment(given: list[int] | None, asked: Mapping[str, str], simulated: int) -> dict[str, str]:
    """What a run is told: its own, or where there are some that are others' that it has none.

    ``given``: None for a run that asked for none, which may name some by itself.
    """
    if given is None:
        hidden = {"CUDA_VISIBLE_DEVICES": ""} if simulated or DRIVER.exists() else {}
        return {**hidden, **asked}
    listed = ",".join(map(str, given))
    own = {"CUDA_VISIBLE_DEVICES": listed, "CUDA_DEVICE_ORDER": "PCI_BUS_ID", "SITUS_ACCELERATORS": listed}
    return {**asked, **own}


def _told() -> list[str]:
    """Number and model of each, as NVIDIA's tool says."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    try:
        done = subprocess.run(  # noqa: S603 - fixed arguments, no shell
            [program, "--query-gpu=index,name", "--format=csv,noheader"], capture_output=True, text=True,
            timeout=ANSWER_S, check=True,
        )  # fmt: skip
    except (subprocess.SubprocessError, OSError):
        return []
    return [line for line in done.stdout.splitlines() if line.partition(",")[0].strip().isdecimal()]
