"""How often things are done; tests are in more of a hurry than estates are."""

from __future__ import annotations

from dataclasses import dataclass

from situs.control.leader import LEASE_S


@dataclass(frozen=True)
class Pace:
    """How often things are looked at."""

    look_s: float = 2.0
    """at each site, while something changes there"""
    rest_s: float = 10.0
    """at each site, while nothing does"""
    poll_s: float = 0.5
    """for new Targets and holds, which other processes write"""
    shown_s: float = 10.0
    """what is seen and stays the same is written down again after so long"""
    meter_s: float = 300.0
    lease_s: float = LEASE_S
    ready_s: float = 0.5
    """between questions to a service whether it is ready"""
    plan_s: float = 2.0
    """between looks for a reason to plan again"""
    settle_s: float = 5.0
    """a reason must stay the same for so long: people save one file after the other"""
