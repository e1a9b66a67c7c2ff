"""situs from Python: everything the command line does, with typed results.

>>> import situs
>>> estate = situs.open("examples/clinic-group")          # doctest: +SKIP
>>> plan = estate.plan()                                   # doctest: +SKIP
>>> estate.explain("triage").reason                        # doctest: +SKIP
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from situs.facts import Facts, load
from situs.intent import load as load_intent
from situs.model.intent import Intent
from situs.model.plan import Plan
from situs.planner.analysis.compare import Alternative, compare
from situs.planner.analysis.pareto import Point, pareto
from situs.planner.analysis.posture import Posture, posture
from situs.planner.analysis.prices import RulePrice, rule_prices
from situs.planner.analysis.usecases import Ranked, ranked_use_cases
from situs.planner.analysis.whatif import Drill, DrillResult, rehearse
from situs.planner.decide import DEFAULT_GAP, Decided, decide
from situs.store.records import Records
from situs.store.replay import Replayed, replay


@dataclass(frozen=True)
class Estate:
    """An estate at one instant under one set of facts. Decisions are made once and kept."""

    intent: Intent
    facts: Facts
    at: datetime
    off: frozenset[str] = frozenset()
    """laws and rules that are switched off"""
    gap: float = DEFAULT_GAP
    folder: Path | None = None
    """where decision records are kept; None: they are not"""

    @cached_property
    def decided(self) -> Decided:
        """The decision with all that explanations need."""
        return decide(self.intent, self.facts, self.at, off=self.off, gap=self.gap)

    def plan(self) -> Plan:
        """Where everything should live, with proof."""
        return self.decided.plan

    def record(self) -> Path:
        """Keep the plan as a decision record; gives its file. Raises ValueError without a folder."""
        if self.folder is None:
            raise ValueError("this estate was not opened from a folder, so there is no place for records")
        return Records(self.folder).save(self.plan(), self.intent)

    def replay(self, reference: str = "latest") -> Replayed:
        """Make a recorded plan again and hold it against the record."""
        if self.folder is None:
            raise ValueError("this estate was not opened from a folder, so there are no records")
        records = Records(self.folder)
        return replay(records, records.load(reference), self.facts)

    def compare(self) -> tuple[Alternative, ...]:
        """The plan beside what people do without one."""
        return compare(self.decided, self.intent, self.facts)

    def whatif(
        self, name: str, change: Callable[[Intent], Intent], off: Iterable[str] = ()
    ) -> DrillResult:
        """Rehearse a change; :mod:`situs.planner.analysis.changes` has the usual ones."""
        return rehearse(self.decided, self.intent, self.facts, Drill(name, change, frozenset(off)))

    def pareto(self, axes: Sequence[str] = ("cost", "carbon", "control")) -> tuple[Point, ...]:
        """Plans that no other beats on all axes."""
        return pareto(self.decided, axes)

    def rule_prices(self) -> tuple[RulePrice, ...]:
        """What each rule costs a month."""
        return rule_prices(self.decided, self.intent, self.facts)

    def posture(self) -> Posture:
        """Hybrid by design or by accident."""
        return posture(self.decided, self.intent)

    def use_cases(self, budget_share: float = 0.5) -> tuple[Ranked, ...]:
        """Use cases by value for what is scarce."""
        return ranked_use_cases(self.decided, budget_share=budget_share)


def open_estate(
    folder: str | Path,
    *,
    at: datetime | None = None,
    off: Iterable[str] = (),
    facts: Sequence[Path] = (),
    gap: float = DEFAULT_GAP,
) -> Estate:
    """The estate described by the YAML files of a folder. Raises InputError with every problem found."""
    path = Path(folder)
    intent = load_intent(path).intent
    when = at or intent.settings.at or datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    return Estate(intent, load(facts), when, frozenset(off), gap, path if path.is_dir() else path.parent)
