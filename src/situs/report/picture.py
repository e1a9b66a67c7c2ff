"""The picture of the estate under the plan, with what flows in words beneath it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from situs.model.plan import Assignment, Decision
from situs.model.workload import Workload
from situs.report import pictures
from situs.report.page import Page
from situs.report.section import Section

MOST_LINES = 9
"""In a box."""
MOST_FLOWS = 8
"""In words; the picture has them all."""


@dataclass(frozen=True)
class Stream:
    """Data of one dataset that go over a link for the work of the plan."""

    source: str
    target: str
    dataset: str
    gb_per_month: float


def estate(page: Page) -> Section:
    """Where work and data are, and what flows."""
    t = page.t
    streams = sorted(_streams(page), key=lambda s: (-s.gb_per_month, s.source, s.target, s.dataset))
    flows = [
        pictures.Flow(s.source, s.target, f"{s.dataset}: {page.site(s.source)} → {page.site(s.target)}")
        for s in streams
    ]
    places = list(_places(page))
    kinds = {kind: t[kind] for kind in pictures.KINDS}
    legend = tuple(
        t["flow"].format(
            dataset=s.dataset,
            source=page.site(s.source),
            target=page.site(s.target),
            gb=page.number(s.gb_per_month, 0 if s.gb_per_month >= 10 else 1),
        )
        for s in streams[:MOST_FLOWS]
    )
    if len(streams) > MOST_FLOWS:
        legend += (t["and_more"].format(n=len(streams) - MOST_FLOWS),)
    return Section(
        "estate", t["estate"], t["estate_text"],
        svg=pictures.side_by_side(places, flows, kinds, t["and_more_sites"], t["estate"]),
        narrow_svg=pictures.stacked(places, flows, kinds, t["and_more_sites"], t["estate"]),
        legend=legend,
    )  # fmt: skip


def _places(page: Page) -> Iterator[pictures.Place]:
    """Sites with the most work first."""
    work: Mapping[str, list[str]] = defaultdict(list)
    for decision in page.plan.decisions:
        for a in decision.assignments:
            units = f" ×{a.units}" if a.units > 1 else ""
            work[a.site].append(decision.workload + units)
    data: Mapping[str, list[str]] = defaultdict(list)
    for replica in page.plan.replicas:
        if replica.change != "drop":
            data[replica.site].append(replica.dataset)
    sites = sorted(page.intent.sites.items(), key=lambda entry: (-len(work[entry[0]]), entry[0]))
    for name, site in sites:
        lines: list[tuple[str, pictures.Line]] = [(entry, "work") for entry in work[name]]
        lines += [(entry, "data") for entry in data[name]]
        if len(lines) > MOST_LINES:
            cut = page.t["and_more"].format(n=len(lines) - MOST_LINES + 1)
            lines = [*lines[: MOST_LINES - 1], (cut, "more")]
        operator = page.t["self_run"] if site.operator == "self" else site.operator
        yield pictures.Place(
            name, site.kind.value, site.title or name, f"{site.country} · {operator}", tuple(lines)
        )


def _streams(page: Page) -> Iterator[Stream]:
    """Reads and writes of all workloads that go over a link, joined by what goes where."""
    sums: dict[tuple[str, str, str], float] = defaultdict(float)
    for decision in page.plan.decisions:
        workload = page.intent.workloads[decision.workload]
        for a in decision.assignments:
            for dataset, source, target, gb in _of(page, workload, decision, a):
                if source != target:
                    sums[source, target, dataset] += gb
    for (source, target, dataset), gb in sums.items():
        yield Stream(source, target, dataset, gb)


def _of(
    page: Page, workload: Workload, decision: Decision, a: Assignment
) -> Iterator[tuple[str, str, str, float]]:
    """A service reads and writes by the month; a job by the run, or once in the horizon."""
    per_month = 1.0
    if workload.job is not None:
        per_month = workload.job.per_month or 1.0 / float(page.months)
    reads = {entry.dataset: entry.reads_gb for entry in workload.inputs}
    writes = {entry.dataset: entry.writes_gb for entry in workload.outputs}
    for dataset, source in a.reads.items():
        gb = reads.get(dataset)
        size = page.intent.datasets[dataset].size_gb
        yield dataset, source, a.site, (size if gb is None else gb) * per_month * a.units
    for dataset, target in a.writes.items():
        gb = writes.get(dataset)
        size = page.intent.datasets[dataset].size_gb
        yield dataset, a.site, target, (size if gb is None else gb) * per_month * a.units
