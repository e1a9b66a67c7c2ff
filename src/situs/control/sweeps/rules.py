"""Who ends early: decided from reports in the order in which they were read, and from nothing else.

``asha`` is asynchronous successive halving (Li and others, "A system for massively parallel hyperparameter tuning",
MLSys 2020) in the form that stops: a member that comes to a rung goes on if it is among the best of those that have
come there so far, one in ``reduction``, and ends otherwise.  Nobody waits for others, so no place stands idle.
Rungs are at the first step, and then at ``reduction`` times as many each.

``median`` is the median stopping rule (Golovin and others, "Google Vizier", KDD 2017): a member ends when its best
value so far is worse than the median of what the others had on average by the same step.

``patience`` goes with any of them: a member ends that has not become better for so many steps, as training that is
stopped early (Prechelt, "Early stopping - but when?", 1998).

Rules are fed again from the beginning by a control plane that begins to lead, and decide the same again.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from collections.abc import Sequence
from statistics import median
from typing import Protocol

from situs.store.sweeps import Report, Sweep, Verdict

WORST = float("inf")
ENOUGH = 5
"""Others that must have come as far before the median rule judges: a median of fewer says little."""


class Decider(Protocol):
    """Decides about members as their reports come."""

    def take(self, seq: int, report: Report) -> Sequence[Verdict]:
        """What follows from one more report."""
        ...


def decider(sweep: Sweep) -> Decider:
    """The rule of a sweep."""
    rule: Decider = Never()
    if sweep.rule != "none":
        rule = Halving(sweep) if sweep.rule == "asha" else Median(sweep)
    return rule if sweep.patience is None else Patience(sweep, sweep.patience, rule)


class Never:
    """Nobody ends early."""

    def take(self, seq: int, report: Report) -> Sequence[Verdict]:
        """Nothing follows."""
        return ()


class _Course:
    """What all rules have in common: each member's way forward, in which nothing counts twice."""

    def __init__(self, sweep: Sweep) -> None:
        self._sweep = sweep
        self._stopped: set[str] = set()
        self._last: dict[str, int] = {}
        """member -> its last step: one that was tried again comes to its earlier steps once more"""

    def _news(self, report: Report) -> bool:
        if report.step is None or report.member in self._stopped:
            return False
        if report.step <= self._last.get(report.member, -1):
            return False
        self._last[report.member] = report.step
        return True

    def _too_late(self, step: int) -> bool:
        return self._sweep.last_step is not None and step >= self._sweep.last_step

    def _loss(self, report: Report) -> float:
        if report.value is None:
            return WORST
        return report.value if self._sweep.goal == "minimise" else -report.value

    def _stop(self, seq: int, member: str, step: int, reason: str) -> Verdict:
        self._stopped.add(member)
        return Verdict(member, step, "stops", seq, reason)

    def _shown(self, loss: float) -> str:
        return f"{self._sweep.objective} {loss if self._sweep.goal == 'minimise' else -loss:.6g}"


class Halving(_Course):
    """Asynchronous successive halving."""

    def __init__(self, sweep: Sweep) -> None:
        super().__init__(sweep)
        self._rungs: dict[int, list[float]] = defaultdict(list)
        """step -> losses of all that have come there, the best first"""
        self._next: dict[str, int] = {}
        """member -> the rung that it has not come to yet"""

    def take(self, seq: int, report: Report) -> Sequence[Verdict]:
        """A verdict for each rung that the member has come to by this report."""
        if not self._news(report):
            return ()
        assert report.step is not None
        member, loss, verdicts = report.member, self._loss(report), list[Verdict]()
        rung = self._next.get(member, self._sweep.first_step)
        while rung <= report.step and not self._too_late(rung) and member not in self._stopped:
            verdicts.append(self._judged(seq, member, rung, loss))
            rung *= self._sweep.reduction
            self._next[member] = rung
        return verdicts

    def _judged(self, seq: int, member: str, rung: int, loss: float) -> Verdict:
        there = self._rungs[rung]
        insort(there, loss)
        if loss == WORST:
            return self._stop(seq, member, rung, f"step {rung}: {self._sweep.objective} is no number")
        best, rank = max(1, len(there) // self._sweep.reduction), bisect_left(there, loss) + 1
        reason = (
            f"step {rung}: {self._shown(loss)} is number {rank} of {len(there)}, of which {best} may go on"
        )
        if rank > best:
            return self._stop(seq, member, rung, reason)
        return Verdict(member, rung, "goes on", seq, reason)


class Median(_Course):
    """The median stopping rule."""

    def __init__(self, sweep: Sweep) -> None:
        super().__init__(sweep)
        self._steps: dict[str, list[int]] = defaultdict(list)
        self._means: dict[str, list[float]] = defaultdict(list)
        """member -> the mean of its losses up to each of its steps"""
        self._best: dict[str, float] = {}

    def take(self, seq: int, report: Report) -> Sequence[Verdict]:
        """A verdict when the member is to end; those that go on are not told of at each step."""
        if not self._news(report):
            return ()
        assert report.step is not None
        member, step, loss = report.member, report.step, self._loss(report)
        count, before = len(self._steps[member]), self._means[member][-1:]
        self._steps[member].append(step)
        self._means[member].append((before[0] * count + loss) / (count + 1) if before else loss)
        best = self._best[member] = min(loss, self._best.get(member, WORST))
        if step < self._sweep.first_step or self._too_late(step):
            return ()
        if loss == WORST:
            return [self._stop(seq, member, step, f"step {step}: {self._sweep.objective} is no number")]
        others = [
            self._means[other][bisect_right(steps, step) - 1]
            for other, steps in self._steps.items()
            if other != member and steps[0] <= step <= steps[-1]
        ]
        if len(others) < ENOUGH or best <= (middle := median(others)):
            return ()
        reason = (
            f"step {step}: {self._shown(best)} at best is worse than the median of {len(others)} others, "
            f"{self._shown(middle)}"
        )
        return [self._stop(seq, member, step, reason)]


class Patience(_Course):
    """Patience with those who do not become better, beside another rule."""

    def __init__(self, sweep: Sweep, steps: int, rule: Decider) -> None:
        super().__init__(sweep)
        self._steps = steps
        self._rule = rule
        self._best: dict[str, tuple[float, int]] = {}
        """member -> its least loss, and at which step it came to that"""

    def take(self, seq: int, report: Report) -> Sequence[Verdict]:
        """What the other rule says, and that the member ends when it has stood still for too long."""
        if not self._news(report):
            return ()
        assert report.step is not None
        verdicts = self._rule.take(seq, report)
        member, step, loss = report.member, report.step, self._loss(report)
        least, at = self._best.setdefault(member, (loss, step))
        if loss < least:
            self._best[member] = loss, step
        elif step - at >= self._steps and step >= self._sweep.first_step and not self._too_late(step):
            if any(verdict.verdict == "stops" for verdict in verdicts):
                return verdicts
            reason = (
                f"step {step}: {self._shown(least)} at step {at} was the best of the last {step - at} steps"
            )
            # One word on each step: to end is the last one.
            return [
                *(verdict for verdict in verdicts if verdict.step != step),
                self._stop(seq, member, step, reason),
            ]
        return verdicts
