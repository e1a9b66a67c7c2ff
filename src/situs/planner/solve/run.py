"""How far a solve has come: the best placement and the best proof so far, and when to stop."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Literal

from situs.planner.certificate import Certificate
from situs.planner.problem import Placement
from situs.planner.solve.branching import EXACT
from situs.planner.solve.result import Phase, Progress, relative_gap

Stop = Literal["time", "cancelled"]


class Run:
    """Best placement and bound so far, and when to stop."""

    def __init__(
        self,
        gap: float,
        time_limit_s: float | None,
        on_progress: Callable[[Progress], None] | None,
        cancelled: Callable[[], bool] | None,
    ) -> None:
        self.wanted = gap
        self.began = time.perf_counter()
        self.limit = time_limit_s
        self.on_progress = on_progress
        self.cancelled = cancelled
        self.best: Placement | None = None
        self.certificate: Certificate | None = None
        self.phases: list[Phase] = []
        self.phase = "start"
        self._phase_began = self.began

    @property
    def cost(self) -> float:
        return self.best.cost if self.best else float("inf")

    @property
    def bound(self) -> float:
        return self.certificate.bound if self.certificate else float("-inf")

    @property
    def gap(self) -> float:
        return relative_gap(self.cost, self.bound) if self.best and self.certificate else float("inf")

    def proven(self) -> bool:
        return self.gap <= self.wanted + EXACT

    def done(self) -> bool:
        return self.proven() or self.stopped() is not None

    def stopped(self) -> Stop | None:
        if self.cancelled is not None and self.cancelled():
            return "cancelled"
        if self.limit is not None and time.perf_counter() - self.began > self.limit:
            return "time"
        return None

    def share_used(self) -> float:
        """Of the time there is; 0 without a limit."""
        return 0.0 if self.limit is None else (time.perf_counter() - self.began) / self.limit

    def seconds_left(self) -> float | None:
        return None if self.limit is None else max(0.1, self.limit - (time.perf_counter() - self.began))

    def offer(self, placement: Placement | None) -> bool:
        """Take a placement if it is better."""
        if placement is None or placement.cost >= self.cost:
            return False
        self.best = placement
        self.report()
        return True

    def prove(self, certificate: Certificate) -> None:
        if certificate.bound > self.bound:
            self.certificate = certificate
            self.report()

    def report(self) -> None:
        if self.on_progress is not None and self.best is not None:
            self.on_progress(Progress(self.phase, self.cost, self.bound))

    def enter(self, phase: str) -> None:
        now = time.perf_counter()
        self.phases.append(Phase(self.phase, now - self._phase_began, self.cost, self.bound))
        self.phase, self._phase_began = phase, now
