"""What members write about how they do: lines of ``STEP VALUE`` that are added to a file of their folder.

A file is what every kind of site can hand over while the run goes on, and what any program can write without
anything of situs at the site.
"""

from __future__ import annotations

import math
import re

from situs.store.sweeps import Report

VARIABLE = "SITUS_REPORT"
FILE = "situs-report"
"""What the variable says: a file of the folder that the run begins in."""
MOST = 100_000
"""Lines of one run; who reports more often reports more than anybody reads."""
STEP = re.compile(rb"[0-9]{1,18}")


def parsed(content: bytes, member: str, generation: int, since: int, *, whole: bool) -> list[Report]:
    """The reports from line ``since`` on. ``whole``: the run has ended, so the last line is all there.

    What is no report is one without a step, so that it is told of once.
    """
    lines = content.split(b"\n")
    unfinished = lines.pop()
    if whole and unfinished.strip():
        lines.append(unfinished)
    return [
        Report(member, generation, number, *_read(line))
        for number, line in enumerate(lines[:MOST])
        if number >= since and line.strip()
    ]


def _read(line: bytes) -> tuple[int | None, float | None]:
    words = line.split()
    if len(words) != 2 or STEP.fullmatch(words[0]) is None:
        return None, None
    try:
        value = float(words[1])
    except ValueError:
        return None, None
    return int(words[0]), value if math.isfinite(value) else None
