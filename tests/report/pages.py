"""Reports about real decisions, and a reader of what stands in them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from html.parser import HTMLParser
from importlib.resources import as_file, files
from pathlib import Path

from situs.facts import load as load_facts
from situs.intent import load
from situs.model.intent import Intent
from situs.model.label import Label
from situs.model.workload import Job, Stage, Workload
from situs.planner.decide import Decided, decide
from situs.report import board

LANGUAGES = ("en", "de")
LONG = (
    "Rechenzentrum der Universitätsklinik für Strahlentherapie und Radioonkologie Schleswig-Holstein, Haus 17"
)
"""Far more than a box in a picture has room for, with a word that cannot be broken at a blank."""


@dataclass(frozen=True)
class Decision:
    """A decision with what a report needs."""

    intent: Intent
    decided: Decided

    def page(self, language: str) -> str:
        """The report."""
        return board(self.decided, self.intent, self.decided.candidates.world.facts, language)


@cache
def demo() -> Decision:
    """The demonstration's estate, decided."""
    with as_file(files("situs.demo")) as package:
        return _decided(load(package / "estate.yaml").intent)


@cache
def overlong() -> Decision:
    """The same with names that are as long as names may be, and mark-up in its titles."""
    intent = demo().intent
    sites = {
        name: site.model_copy(update={"title": f"{LONG} {k} <b>&amp;</b> \"quoted\" 'too'"})
        for k, (name, site) in enumerate(intent.sites.items())
    }
    workloads = {
        (name + "-" + "x" * 100 if name == "shop-serve" else name): workload.model_copy(
            update={"title": LONG * 2}
        )
        for name, workload in intent.workloads.items()
    }
    return _decided(intent.model_copy(update={"sites": sites, "workloads": workloads}))


@cache
def crowded() -> Decision:
    """Eleven sites of each kind, ten of them empty, and more workloads than a page has rows."""
    intent = demo().intent
    sites, workloads = dict(intent.sites), dict(intent.workloads)
    for k in range(10):
        sites |= {f"{name}-{k}": site.model_copy(update={"pools": {}}) for name, site in intent.sites.items()}
    once = Job(work=0.5, per_month=1)
    for k in range(45):
        workloads[f"report-{k}"] = Workload(
            stage=Stage.BATCH, use_case="till-reader", label=Label(level=0), job=once
        )
    return _decided(intent.model_copy(update={"sites": sites, "workloads": workloads}))


def _decided(intent: Intent) -> Decision:
    assert intent.settings.at is not None
    return Decision(intent, decide(intent, load_facts(), intent.settings.at, gap=0.02))


@cache
def written(which: str, language: str) -> str:
    """A page by the name of its decision."""
    decision = {"demo": demo, "overlong": overlong, "crowded": crowded}[which]()
    return decision.page(language)


@dataclass
class Reader(HTMLParser):
    """Everything of a page that could lead out of it, and its sections, tables and ids."""

    references: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    styles: list[str] = field(default_factory=list)
    sections: dict[str, list[list[list[str]]]] = field(default_factory=dict)
    """section -> tables -> rows -> cells; a cell's smaller line is left out"""
    text: list[str] = field(default_factory=list)
    _section: str = ""
    _inside: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self._inside.append(tag)
        for name, value in attrs:
            if name in (
                "src",
                "href",
                "xlink:href",
                "action",
                "srcset",
                "data",
                "poster",
                "background",
                "ping",
            ):
                self.references.append(value or "")
            if name == "style":
                self.styles.append(value or "")
            if name == "id":
                self.ids.append(value or "")
            if name.startswith("on"):
                self.references.append(f"{name}={value}")
        if tag == "section":
            self._section = dict(attrs).get("id") or ""
            self.sections[self._section] = []
        if tag == "table":
            self.sections[self._section].append([])
        if tag == "tr":
            self.sections[self._section][-1].append([])
        if tag in ("td", "th"):
            self.sections[self._section][-1][-1].append("")

    def handle_endtag(self, tag: str) -> None:
        while self._inside and self._inside.pop() != tag:
            continue

    def handle_data(self, data: str) -> None:
        if "style" in self._inside:
            self.styles.append(data)
            return
        self.text.append(data)
        if "small" not in self._inside and ("td" in self._inside or "th" in self._inside):
            self.sections[self._section][-1][-1][-1] += data


@cache
def read(which: str, language: str) -> Reader:
    """A page, read."""
    reader = Reader()
    reader.feed(written(which, language))
    reader.close()
    return reader


def rows(which: str, language: str, section: str, table: int = 0) -> list[list[str]]:
    """Rows of a table, without its headings."""
    return read(which, language).sections[section][table][1:]


def save(folder: Path, which: str, language: str) -> Path:
    """A page as a file."""
    path = folder / f"{which}-{language}.html"
    path.write_text(written(which, language), encoding="utf-8")
    return path
