"""Who is to get requests: a pure function of what is wanted and what runs."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from situs.control.wanted import Unit, Wanted, key_of
from situs.model.workload import HealthCheck
from situs.sites.adapter import Key
from situs.store.runs import Run

_ADDRESS = re.compile(r"http://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\]):([0-9]{1,5})/?")


@dataclass(frozen=True)
class Front:
    """Where requests for one workload come in, and where they go."""

    listen: str
    """``host:port`` on the control plane's machine"""
    health: str
    check: HealthCheck
    into: Mapping[Key, str]
    """runs that get requests, with the ``host:port`` of each"""
    out: Mapping[Key, str]
    """runs that get no more: they are to end once those under way are answered, or are unhealthy"""
    drain_s: float
    """so long at most"""


def fronts(
    wanted: Mapping[Unit, Wanted], runs: Mapping[Unit, Sequence[Run]], succeeding: Collection[str]
) -> dict[str, Front]:
    """By workload. ``succeeding``: workloads whose old units go on until the new ones serve."""
    # While a new version has a health check of its own, the old one's counts: its units are those that serve.
    by_age = sorted(wanted.items(), key=lambda item: item[1].plan is not None)
    asked = {unit.workload: want for unit, want in by_age if want.listen and want.health}
    into: dict[str, dict[Key, str]] = {name: {} for name in asked}
    out: dict[str, dict[Key, str]] = {name: {} for name in asked}
    for unit, history in runs.items():
        if unit.workload not in asked:
            continue
        for run in history:
            address = host_and_port(run.address)
            if run.phase != "placed" or run.ready_at is None or address is None:
                continue
            stays = (unit in wanted or unit.workload in succeeding) and run.is_ready
            (into if stays else out)[unit.workload][key_of(run)] = address
    return {
        name: Front(want.listen or "", want.health or "", want.check, into[name], out[name], want.drain_s)
        for name, want in sorted(asked.items())
    }


def host_and_port(address: str | None) -> str | None:
    """Of an address that a service says it listens at; None for one that requests cannot be passed to."""
    match = _ADDRESS.fullmatch(address or "")
    return f"{match[1]}:{match[2]}" if match and 0 < int(match[2]) < 65536 else None
