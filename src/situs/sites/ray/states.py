"""What Ray and a run's node say about a run, as a status."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from situs.sites.adapter import Reason, Status, Usage

LEASE_S = 30.0
"""When Ray has lost sight of a run's job, the run itself ends so much later at the latest, with some to spare."""
WHOLE = 3
"""Lines that a node writes about an end."""


@dataclass(frozen=True)
class NodeWord:
    """What a node has written down about a run."""

    ended: bytes | None = None
    began: bool = False
    """it began, and Ray has lost sight of its job or seen its end"""
    cancelled: bool = False
    """Ray ended it there and not we"""


def status_of(job: Mapping[str, Any], node: NodeWord, *, ours: bool, now: datetime) -> Status:
    """Where a run is. ``ours``: we asked for its end."""
    ended = node.ended
    # A node may show a file that is new there before all that is in it.
    if ended is not None and _is_whole(lines := ended.decode().splitlines()):
        return _written(lines, node.cancelled)
    message = job.get("message") or None
    state = job["status"]
    if state == "PENDING":
        return Status("queued", detail=message)
    if state == "RUNNING":
        return Status("running")
    over_s = now.timestamp() - (job.get("end_time") or 0) / 1000
    if node.began and over_s < LEASE_S:
        # What minded it was killed; the run's lease is not over yet.
        return Status("running", detail=message)
    reason: Reason = "stopped" if ours else "lost" if node.began else "cancelled"
    return Status("ended", None, reason, detail=None if ours else message and message[-300:])


def _is_whole(lines: list[str]) -> bool:
    # Of a run that was lost nobody measured anything.
    return len(lines) == WHOLE or (lines != [] and lines[0].split()[1:2] == ["-"])


def _written(lines: list[str], cancelled: bool) -> Status:
    reason: Reason
    reason, code, began, end = lines[0].split()  # type: ignore[assignment]
    if reason == "lapsed":
        # It asked for no lease: what minded it was killed.
        reason = "lost"
    if cancelled and reason == "stopped":
        reason = "cancelled"
    if code == "-":
        return Status("ended", None, reason)
    # The second line is of the processes that were waited for, minutes and seconds: 0m1.50s 0m0.25s
    used = [float(m) * 60 + float(s) for m, s in re.findall(r"(\d+)m([\d.]+)s", lines[2])]
    exit_code = int(code) if int(code) <= 128 else 128 - int(code)
    return Status("ended", exit_code, reason, Usage(float(end) - float(began), sum(used), None))
