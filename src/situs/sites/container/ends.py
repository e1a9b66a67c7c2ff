"""What an engine's account of a container means for its run."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from situs.sites.adapter import Reason, Status, Usage
from situs.sites.container.names import Why


@dataclass(frozen=True)
class Sample:
    """What a running container had used when it was last looked at; None: nobody looked, or the engine cannot tell."""

    cpu_s: float | None = None
    peak_memory_gib: float | None = None


def sampled(stats: Mapping[str, Any], before: Sample) -> Sample:
    """What a running container has used by now."""
    memory = stats.get("memory_stats") or {}
    # Not every kernel keeps the highest use; then the highest that was seen stands for it.
    seen = memory.get("max_usage") or memory.get("usage")
    peaks = [peak for peak in (seen and seen / 2**30, before.peak_memory_gib) if peak]
    used = (stats.get("cpu_stats") or {}).get("cpu_usage", {}).get("total_usage")
    return Sample(used / 1e9 if used else before.cpu_s, max(peaks, default=None))


def exit_code(code: int) -> int:
    """The first process of the container tells a signal as 128 and its number."""
    return 128 - code if 128 < code < 192 else code


def ended(account: Mapping[str, Any], why: Why | None, sample: Sample) -> Status:
    """How a container that has ended went, by the engine's word and what somebody decided before."""
    state = account["State"]
    code = exit_code(state["ExitCode"])
    began, finished = instant(state["StartedAt"]), instant(state["FinishedAt"])
    peak_gib = sample.peak_memory_gib
    if state["OOMKilled"] or why == "memory":
        # Nobody may have looked in time, but so much it was.
        peak_gib = max(peak_gib or 0.0, account["HostConfig"]["Memory"] / 2**30)
    # What fails at once may have ended before the engine noted that it began.
    wall_s = max((finished - began).total_seconds(), 0.0)
    usage = Usage(wall_s, sample.cpu_s, peak_gib)
    reason: Reason = why or ("memory" if state["OOMKilled"] else "signalled" if code < 0 else "exited")
    detail = "the container was stopped or killed at the site, not by situs" if why == "cancelled" else None
    return Status("ended", code, reason, usage, detail or state.get("Error") or None)


def instant(text: str) -> datetime:
    """An engine's time, which may have nine digits after the point and an offset."""
    match = re.fullmatch(r"([\d-]+T[\d:]+)(\.\d+)?(Z|[+-]\d\d:\d\d)", text)
    if match is None:
        raise ValueError(f"no time of an engine: {text!r}")
    whole, fraction, offset = match.groups()
    zone = "+00:00" if offset == "Z" else offset
    return datetime.fromisoformat(f"{whole}{(fraction or '.0')[:7].ljust(7, '0')}{zone}").astimezone(UTC)
