"""situs from Python: everything the command line does, with typed results.

>>> import situs
>>> estate = situs.open_estate("examples/clinic-group")    # doctest: +SKIP
>>> plan = estate.plan()                                   # doctest: +SKIP
>>> estate.why_not("triage", "frankfurt").reasons          # doctest: +SKIP
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from situs.economics.breakeven import Spread
from situs.facts import Facts, load
from situs.facts.difference import Difference
from situs.intent import load as load_intent
from situs.intent import loads as load_text
from situs.intent.reader import Reader
from situs.model.error import InputError
from situs.model.intent import Intent
from situs.model.plan import Plan
from situs.model.refusal import Refusal
from situs.planner import explain
from situs.planner.analysis.compare import Alternative, compare
from situs.planner.analysis.drill import combined, kwh_price
from situs.planner.analysis.exits import WorkloadExit, exits
from situs.planner.analysis.ownrent import Given, OwnOrRent, own_or_rent
from situs.planner.analysis.pareto import Point, pareto
from situs.planner.analysis.posture import Posture, posture
from situs.planner.analysis.prices import RulePrice, rule_prices
from situs.planner.analysis.usecases import Ranked, ranked_use_cases
from situs.planner.analysis.whatif import Drill, DrillResult, rehearse
from situs.planner.decide import DEFAULT_GAP, Decided, decide
from situs.planner.explain import Conflict, Counterfactual, Explanation, WhyNot, wording
from situs.policy import Policy, RuleInfo, Sentence, check_written, say
from situs.store.catalogues import Catalogues
from situs.store.imports import ImportReport, import_file
from situs.store.imports import diff_facts as between
from situs.store.records import Records
from situs.store.replay import Changed, Replayed, differences, replay

if TYPE_CHECKING:
    from situs.demo.story import Told
    from situs.intent.importing import Imported
    from situs.intent.reader import Document

Language = Literal["en", "de"]
Factor = Decimal | float | int | str
"""a number to multiply with; text for figures that must be exact: ``"1.3"``"""


@dataclass(frozen=True)
class Estate:
    """An estate at one instant under one set of facts. It is decided once, when that is first needed."""

    intent: Intent
    facts: Facts
    at: datetime
    off: frozenset[str] = frozenset()
    """laws and rules that are switched off"""
    gap: float = DEFAULT_GAP
    """the proven distance to the optimum that is good enough, as a fraction"""
    folder: Path | None = None
    """where decision records are kept; None: they are not"""
    time_limit_s: float | None = None
    """stop deciding after so long, with the best plan so far"""
    parent: Plan | None = None
    """the plan to follow: what need not change stays where that has put it"""

    @cached_property
    def decided(self) -> Decided:
        """The decision with all that explanations need."""
        return decide(
            self.intent, self.facts, self.at, off=self.off, gap=self.gap, time_limit_s=self.time_limit_s,
            parent=self.parent,
        )  # fmt: skip

    def plan(self) -> Plan:
        """Where everything should live, with proof."""
        return self.decided.plan

    def following(self, parent: Plan | str = "latest") -> Estate:
        """The estate to be decided after a plan, or a recorded one: what need not change stays where it is."""
        plan = parent if isinstance(parent, Plan) else self._records().load(parent)
        return replace(self, parent=plan)

    def explain(self, workload: str) -> Explanation:
        """Why a workload goes where it goes: its cost, what refuses the rest, what binds, the alternatives."""
        return explain.explain(self.decided, workload)

    def why_not(self, workload: str, site: str) -> WhyNot:
        """Why a workload is not at a site, and the smallest change that would bring it there."""
        return explain.why_not(self.decided, workload, site)

    def conflicts(self) -> tuple[Conflict, ...]:
        """For what was left out although it has places: which wishes cannot all be granted."""
        return explain.conflicts(self.decided)

    def changed(self, offer: Counterfactual) -> Estate:
        """The estate with what an answer to :meth:`why_not` offers, to be decided anew."""
        return replace(self, intent=explain.apply(self.intent, offer.edits))

    def refusals(self, workload: str, site: str) -> tuple[Refusal, ...]:
        """What the rules have against a workload at a site, the dominant one first; :meth:`say` has the words."""
        return self._policy.workload_refusals(workload, site)

    def rules(self) -> tuple[RuleInfo, ...]:
        """The rules in force."""
        return self._policy.rules

    def rule_prices(self) -> tuple[RulePrice, ...]:
        """What each rule costs a month."""
        return rule_prices(self.decided, self.intent, self.facts)

    def compare(self) -> tuple[Alternative, ...]:
        """The plan beside what people do without one."""
        return compare(self.decided, self.intent, self.facts)

    def whatif(
        self,
        *,
        price: Mapping[str, Factor] | None = None,
        site_down: Iterable[str] = (),
        law_off: Iterable[str] = (),
        demand: Mapping[str, float] | None = None,
        add: Mapping[str, Intent] | None = None,
        kwh: str | None = None,
    ) -> DrillResult:
        """Rehearse a change of the world, in any combination.

        ``price={"aws": 1.3}`` makes an operator dearer, ``demand={"triage": 2}`` doubles what is asked,
        ``kwh="0.40 EUR"`` prices electricity everywhere, ``add`` takes further estates by any name.
        """
        drill = combined(
            added=add,
            site_down=site_down,
            price={name: Decimal(str(factor)) for name, factor in (price or {}).items()},
            kwh=None if kwh is None else kwh_price(kwh),
            demand=demand,
            law_off=law_off,
        )
        return rehearse(self.decided, self.intent, self.facts, drill)

    def rehearse(self, name: str, change: Callable[[Intent], Intent], off: Iterable[str] = ()) -> DrillResult:
        """Rehearse a change of your own: a function from one intent to another."""
        return rehearse(self.decided, self.intent, self.facts, Drill(name, change, frozenset(off)))

    def pareto(self, axes: Sequence[str] = ("cost", "carbon", "control")) -> tuple[Point, ...]:
        """Plans that no other beats on all axes."""
        return pareto(self.decided, axes)

    def posture(self) -> Posture:
        """Hybrid by design or by accident."""
        return posture(self.decided, self.intent)

    def breakeven(
        self, workload: str, *, given: Given | None = None, spread: Spread | None = None, seed: int = 0
    ) -> OwnOrRent:
        """When owning machines for a workload beats renting them."""
        return own_or_rent(
            self.intent, self.facts, self.at, workload, off=self.off, given=given, spread=spread, seed=seed
        )

    def exits(self) -> tuple[WorkloadExit, ...]:
        """What leaving costs each workload where the plan puts it, the strongest lock-in first."""
        return exits(self.decided)

    def use_cases(self, budget_share: float = 0.5) -> tuple[Ranked, ...]:
        """Use cases by value for what is scarce."""
        return ranked_use_cases(self.decided, budget_share=budget_share)

    def report(self, language: Language = "en") -> str:
        """The page that a board reads, as HTML that needs nothing beside it."""
        from situs.report import board

        return board(self.decided, self.intent, self.facts, language)

    def record(
        self, *, owner: str | None = None, reason: str | None = None, expires: datetime | None = None
    ) -> Plan:
        """Keep the plan as a decision record that follows the one recorded last, or the parent; gives it as kept.

        ``expires``: until when it may be relied on; else as long as it was made for and law and rules do not
        change. Raises ValueError for an estate that has no folder.
        """
        records = self._records()
        follows = self.parent is None and records.latest() is not None
        plan = (self.following() if follows else self).plan()
        until = plan.expires if expires is None else _instant(expires, self.intent)
        said = {"owner": owner, "reason": reason, "expires": until}
        kept = plan.model_copy(update=said).sealed()
        if self.parent is not None:
            records.keep(self.parent)
        records.save(kept, self.intent, self.facts)
        return kept

    def records(self) -> list[Plan]:
        """The recorded plans, oldest first."""
        return self._records().all()

    def replay(self, reference: str = "latest") -> Replayed:
        """Make a recorded plan again, with the facts that are kept with it, and hold it against the record."""
        records = self._records()
        plan = records.load(reference)
        return replay(records, plan, records.facts_of(plan) or self.facts)

    def diff(self, before: str, after: str = "latest") -> tuple[Changed, ...]:
        """What two recorded plans decide differently."""
        records = self._records()
        return differences(records.load(before), records.load(after))

    @staticmethod
    def say(refusal: Refusal, language: Language = "en") -> Sentence:
        """A reason in words; a rule's refusal with the nearest change that would lift it."""
        if wording.is_of_a_rule(refusal):
            return say(refusal, language)
        return Sentence(wording.say(refusal, language), "")

    @staticmethod
    def tell(answer: Explanation | WhyNot | Conflict, language: Language = "en") -> str:
        """An explanation in a sentence or two."""
        if isinstance(answer, Explanation):
            return wording.say_explanation(answer, language)
        if isinstance(answer, WhyNot):
            return wording.say_why_not(answer, language)
        return wording.say_conflict(answer, language)

    @cached_property
    def _policy(self) -> Policy:
        return Policy(self.intent, self.facts, self.at, self.off)

    def _records(self) -> Records:
        if self.folder is None:
            raise ValueError("this estate was not opened from a folder, so there is no place for records")
        return Records(self.folder)


def open_estate(
    folder: str | Path,
    *,
    at: datetime | None = None,
    off: Iterable[str] = (),
    facts: Sequence[str | Path] = (),
    currency: str | None = None,
    gap: float = DEFAULT_GAP,
    time_limit_s: float | None = None,
) -> Estate:
    """The estate described by the YAML files of a folder. Raises InputError with every problem found."""
    path = Path(folder)
    loaded = load_intent(path)
    intent = _in_currency(loaded.intent, currency)
    home = path if path.is_dir() else path.parent
    known = Catalogues(home).facts(facts)
    check_written(intent, known, loaded.position)
    return Estate(intent, known, _instant(at, intent), frozenset(off), gap, home, time_limit_s)


def read_estate(
    text: str,
    *,
    at: datetime | None = None,
    off: Iterable[str] = (),
    facts: Sequence[str | Path] = (),
    currency: str | None = None,
    gap: float = DEFAULT_GAP,
    time_limit_s: float | None = None,
) -> Estate:
    """The same from a YAML text; such an estate has no folder, and so no records."""
    loaded, known = load_text(text), load_facts(facts)
    intent = _in_currency(loaded.intent, currency)
    check_written(intent, known, loaded.position)
    return Estate(intent, known, _instant(at, intent), frozenset(off), gap, None, time_limit_s)


def load_facts(more: Sequence[str | Path] = ()) -> Facts:
    """The dated figures that come with situs, with your own catalogues on top; later ones win."""
    return load([Path(place) for place in more])


def import_skypilot(
    files: Sequence[str | Path], *, hours: float | None = None, data_gb: float | None = None
) -> Imported:
    """SkyPilot tasks as workloads, with everything that was not carried over or had to be assumed.

    ``hours`` is the length of a run and ``data_gb`` the size of a dataset where a task does not tell them.
    """
    from situs.intent.importing.skypilot import read_skypilot

    return read_skypilot(_documents(files), hours, data_gb)


def import_prices(
    folder: str | Path,
    file: str | Path,
    *,
    layout: str | None = None,
    operator: str | None = None,
    country: str | None = None,
    currency: str | None = None,
    as_of: str | None = None,
    source: str | None = None,
    name: str | None = None,
    dry_run: bool = False,
) -> ImportReport:
    """Make a price list a catalogue of the estate in a folder. Raises InputError with every bad row."""
    return import_file(
        Path(folder), Path(file), layout=layout, operator=operator, country=country, currency=currency,
        as_of=as_of, source=source, name=name, dry_run=dry_run,
    )  # fmt: skip


def diff_facts(folder: str | Path, before: str, after: str | None = None) -> tuple[Difference, ...]:
    """What two files, kept versions or ``packaged`` say differently; None: what the estate uses now."""
    return between(Path(folder), before, after)


def import_kubernetes(
    files: Sequence[str | Path], *, hours: float | None = None, data_gb: float | None = None
) -> Imported:
    """Kubernetes manifests as workloads, claims as datasets; the same numbers stand in for what is not told."""
    from situs.intent.importing.kubernetes import read_kubernetes

    return read_kubernetes(_documents(files), hours, data_gb)


def import_csv(file: str | Path, *, currency: str | None = None) -> Imported:
    """A table with one row for each service. ``currency`` is that of amounts without one."""
    from situs.intent.importing.spreadsheet import read_spreadsheet
    from situs.intent.importing.table import read_table

    return read_spreadsheet(read_table(Path(file)), currency)


def import_openb(file: str | Path, *, limit: int | None = None, at: datetime | None = None) -> Imported:
    """Tasks of the public openb trace as jobs. ``at`` is the instant at which its clock shows zero."""
    from situs.intent.importing.openb import read_openb
    from situs.intent.importing.table import read_table

    return read_openb(read_table(Path(file)), limit, at)


def schema() -> dict[str, Any]:
    """The JSON Schema of estate files."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Intent.model_json_schema(by_alias=True),
    }


def write_first_estate(folder: str | Path, country: str, *, find: bool = False, force: bool = False) -> Path:
    """Write a first, commented estate with this machine, or with what else is found; gives its file.

    Raises InputError for an estate that is there, unless ``force``, and for what is no country.
    """
    import os

    from situs.sites.discover import found_sites, written

    target = Path(folder) / "estate.yaml"
    if target.exists() and not force:
        raise InputError(f"{target} is there already; say force=True to write over it")
    found = found_sites(everything=find, home=Path.home(), environment=os.environ)
    text = written(found, country, regions=load_facts().region_countries)
    load_text(text, str(target))
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text, encoding="utf-8")
    return target


def run_demo(out: str | Path = "demo-out", language: Language = "en", *, keep: bool = False) -> Told:
    """The demonstration: decide, run, ask, refuse and report on four local sites; writes the report to ``out``."""
    from situs.demo.story import tell

    return tell(Path(out), language, keep=keep, say=lambda _: None)


def _documents(files: Sequence[str | Path]) -> list[Document]:
    reader = Reader()
    return [document for file in files for document in reader.file(Path(file))]


def _in_currency(intent: Intent, currency: str | None) -> Intent:
    if currency is None:
        return intent
    settings = intent.settings.model_copy(update={"currency": currency})
    return intent.model_copy(update={"settings": settings})


def _instant(at: datetime | None, intent: Intent) -> datetime:
    """As asked; else as the estate says; else this hour, so that asking twice in a row gives one answer."""
    when = at or intent.settings.at or datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    return when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
