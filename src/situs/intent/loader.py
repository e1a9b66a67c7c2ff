"""A folder of YAML files as one intent, with every problem reported at once."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError

from situs.intent.complaints import complaint
from situs.intent.hints import did_you_mean, shortened
from situs.intent.reader import Document, Reader, printable, read_text
from situs.intent.references import check_references
from situs.model.base import Name
from situs.model.data import Dataset
from situs.model.error import InputError, Position, Problem
from situs.model.estate import Link, Location, Site
from situs.model.intent import Intent, Settings
from situs.model.queue import Queue
from situs.model.rule import Rule
from situs.model.usecase import UseCase
from situs.model.workload import Workload

Path_ = tuple[str | int, ...]

NAMED: Mapping[str, type[BaseModel]] = {
    "sites": Site,
    "locations": Location,
    "datasets": Dataset,
    "workloads": Workload,
    "use_cases": UseCase,
    "queues": Queue,
    "rules": Rule,
}
"""Sections whose entries have names."""
PARTLY: Mapping[str, Mapping[str, Any]] = {
    "datasets": {"size_gb": 1},
    "workloads": {"stage": "batch", "job": {"work": 1}},
    "rules": {},
}
"""Sections whose entries are looked at for wrong names also when another field of theirs is wrong, with what stands
in for fields that none can do without (a job unless it is a service): leaving a field out can only hide a wrong name,
and never make one."""
SECTIONS = (*NAMED, "links", "settings")
MOST_FILES = 20_000
MOST_PROBLEMS = 100
"""Whoever has more mistakes than this has one mistake a hundred times."""
MOST_COUNTED = 2_000
"""Beyond, problems are not even counted: a file of nothing but mistakes shall not take minutes."""

_NAME = TypeAdapter(Name)


@dataclass(frozen=True)
class Loaded:
    """An intent and where everything in it stands."""

    intent: Intent
    written: Written

    def position(self, *path: str | int) -> Position | None:
        """Where something stands: ``position("sites", "frankfurt", "country")``."""
        return self.written.position(path)


def load(path: Path, beside: Intent | None = None) -> Loaded:
    """All ``*.yaml`` and ``*.yml`` under a folder (or one file) as one intent.

    ``beside``: an estate that this is a piece for, so that names may also be those of that.
    Raises InputError with every problem found: file, line, column, the value, and the likely fix.
    """
    written = Written()
    reader = Reader()
    for number, file in enumerate(yaml_files(path)):
        if number == MOST_FILES:
            raise InputError(
                f"there are more than {MOST_FILES:,} YAML files under {path}; is this an estate?"
            )
        try:
            for document in reader.file(file):
                written.add(document)
        except InputError as error:
            written.unread(error.problems)
    return _built(written, beside)


def loads(text: str, name: str = "<text>", beside: Intent | None = None) -> Loaded:
    """One text as an intent. ``beside``: as for :func:`load`."""
    written = Written()
    for document in read_text(text, name):
        written.add(document)
    return _built(written, beside)


def input_hash(intent: Intent) -> str:
    """The identity of what an intent says, whatever files it was spread over and in whatever order."""
    content = intent.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    for key, value in content.items():
        if key == "links":
            content[key] = sorted(value, key=lambda link: json.dumps(link, sort_keys=True))
    content = _sets_sorted(content)
    return (
        "sha256:"
        + hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
    )


UNORDERED = {
    "categories", "jurisdictions", "purposes", "obligations", "certificates_required", "crosses", "affinity",
    "accelerator", "name", "kind", "operator", "country", "certificate", "stage", "use_case", "category", "off",
    "countries", "certificates", "kinds", "sites",
}  # fmt: skip


def _sets_sorted(value: Any, key: str = "") -> Any:
    """Sets come out of a dump in any order; lists of plain values under their names are sorted."""
    if isinstance(value, dict):
        return {k: _sets_sorted(v, k) for k, v in value.items()}
    if isinstance(value, list):
        items = [_sets_sorted(item) for item in value]
        return sorted(items) if key in UNORDERED and all(isinstance(item, str) for item in items) else items
    return value


def yaml_files(path: Path) -> Iterator[Path]:
    """The files of an estate, always in the same order. Raises InputError when there are none."""
    shown = printable(str(path))
    if path.is_file():
        yield path
        return
    if not path.is_dir():
        raise InputError(
            f"there is no estate at {shown}; give a folder with YAML files, or make one with `situs init`"
        )
    found = False
    # Links are not followed: a circle of them has no end, and they may lead anywhere.
    for folder, folders, files in os.walk(path, followlinks=False):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if name.endswith((".yaml", ".yml")) and not name.startswith("."):
                found = True
                yield Path(folder) / name
    if not found:
        raise InputError(f"there are no YAML files under {shown}; `situs init` makes a first one")


@dataclass
class Written:
    """What stands in all documents together, by section and name, and what is wrong with its form."""

    entries: dict[str, dict[str, Any]] = field(default_factory=lambda: {name: {} for name in NAMED})
    links: list[Any] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    complete: bool = True
    """False: a file could not be read, so what it would have defined is not known"""
    _homes: dict[Path_, tuple[Document, Path_]] = field(default_factory=dict)
    """for each entry the document it stands in and its path there"""

    def unread(self, problems: list[Problem]) -> None:
        """Note a file that could not be read."""
        self.problems.extend(problems)
        self.complete = False

    def position(self, path: Path_) -> Position | None:
        """Where something stands, or the closest thing around it."""
        for length in (2, 1):
            home = self._homes.get(path[:length])
            if home is not None:
                document, start = home
                return document.position(*start, *path[length:])
        return None

    def add(self, document: Document) -> None:
        """Take in the sections of a document."""
        self.problems.extend(document.slips)
        if document.value is None:
            return
        if not isinstance(document.value, dict):
            self._wrong(
                document, (), "a document must be a mapping of sections", f"begin with one of {_SECTIONS}"
            )
            return
        for section, content in document.value.items():
            if len(self.problems) >= MOST_COUNTED:
                return
            self._homes.setdefault((section,), (document, (section,)))
            if section not in SECTIONS:
                self._wrong(
                    document, (section,), f"there is no section {shortened(section, 100)!r}",
                    did_you_mean(section, SECTIONS) or f"there are {_SECTIONS}",
                )  # fmt: skip
            elif content is None:
                continue
            elif section == "links":
                self._add_links(document, content)
            elif not isinstance(content, dict):
                shape = "'name: value'" if section == "settings" else "'name:' with its fields below"
                self._wrong(
                    document, (section,), f"{section} must be a mapping", f"write each entry as {shape}"
                )
            else:
                self._add_entries(document, section, content)

    def _add_links(self, document: Document, content: Any) -> None:
        if not isinstance(content, list):
            self._wrong(document, ("links",), "links must be a list", "begin each link with '- from: ...'")
            return
        for number, link in enumerate(content):
            self._homes["links", len(self.links)] = (document, ("links", number))
            self.links.append(link)

    def _add_entries(self, document: Document, section: str, content: dict[str, Any]) -> None:
        target = self.settings if section == "settings" else self.entries[section]
        for name, entry in content.items():
            if name in target:
                first = self.position((section, name))
                what = f"{section} {shortened(name, 100)!r} is defined a second time; the first is at {first}"
                self._wrong(document, (section, name), what, "rename one of them")
            else:
                target[name] = entry
                self._homes[section, name] = (document, (section, name))

    def _wrong(self, document: Document, path: Path_, what: str, fix: str | None) -> None:
        self.problems.append(Problem(what, document.position(*path), fix))


_SECTIONS = ", ".join(SECTIONS)


def _built(written: Written, beside: Intent | None = None) -> Loaded:
    problems = written.problems
    partly: dict[str, dict[str, BaseModel]] = {section: {} for section in PARTLY}
    models: dict[str, Any] = {
        section: _entries(section, model, written, problems, partly.get(section))
        for section, model in NAMED.items()
    }
    links = [_model(Link, entry, ("links", k), written, problems) for k, entry in enumerate(written.links)]
    settings = _model(Settings, written.settings, ("settings",), written, problems)
    intent = Intent.model_validate(
        models
        | {section: models[section] | partly[section] for section in PARTLY}
        | {"links": tuple(link for link in links if link is not None), "settings": settings or Settings()}
    )
    if written.complete and len(problems) < MOST_COUNTED:
        numbers = [k for k, link in enumerate(links) if link is not None]

        def locate(path: Path_) -> Position | None:
            if path[0] == "links" and isinstance(path[1], int):
                path = ("links", numbers[path[1]], *path[2:])
            return written.position(path)

        # What is named but broken is not also missing.
        names = {
            section: {**_there(beside, section), **entries} for section, entries in written.entries.items()
        }
        for problem in check_references(intent, locate, names):
            problems.append(problem)
            if len(problems) >= MOST_COUNTED:
                break
    if problems:
        raise InputError(_worth_showing(problems))
    return Loaded(intent, written)


def _there(beside: Intent | None, section: str) -> dict[str, Any]:
    return {} if beside is None else dict(getattr(beside, section))


def _entries(
    section: str,
    model: type[BaseModel],
    written: Written,
    problems: list[Problem],
    partly: dict[str, BaseModel] | None,
) -> dict[str, BaseModel]:
    """The sound entries of a section; what is wrong with the others goes to ``problems``.

    What is left of those without their wrong fields goes to ``partly``, so that its names are looked at too.
    """
    made: dict[str, BaseModel] = {}
    for name, entry in written.entries[section].items():
        if len(problems) >= MOST_COUNTED:
            break
        value = _model(model, entry, (section, name), written, problems)
        try:
            _NAME.validate_python(name)
        except ValidationError as error:
            what = error.errors(include_url=False)[0]["msg"].removeprefix("Value error, ")
            problems.append(Problem(shortened(what), written.position((section, name))))
        else:
            if value is not None:
                made[name] = value
            elif partly is not None and (left := _left(section, model, entry)) is not None:
                partly[name] = left
    return made


def _left(section: str, model: type[BaseModel], entry: Any) -> BaseModel | None:
    """The entry without its wrong fields; None where it is nothing without them."""
    for _ in range(2):
        try:
            return model.model_validate(entry)
        except ValidationError as error:
            if not isinstance(entry, dict) or error.error_count() > MOST_COUNTED:
                return None
            wrong = {item["loc"][0] for item in error.errors(include_url=False) if item["loc"]}
            entry = {field: value for field, value in entry.items() if field not in wrong}
            needed = PARTLY[section]
            entry |= {
                field: needed[field]
                for field in needed.keys() - entry.keys()
                if field != "job" or "service" not in entry
            }
    return None


def _model(model: type[BaseModel], entry: Any, path: Path_, written: Written, problems: list[Problem]) -> Any:
    if len(problems) >= MOST_COUNTED:
        return None
    try:
        return model.model_validate(entry)
    except ValidationError as error:
        if error.error_count() > MOST_COUNTED:
            name = ".".join(str(part) for part in path)
            what = f"{name} has {error.error_count():,} mistakes"
            problems.append(Problem(what, written.position(path), "is this a list of something else?"))
            return None
        for item in error.errors(include_url=False):
            inner, what, fix = complaint(item, model, entry, path)
            problems.append(Problem(what, written.position((*path, *inner)), fix))
        return None


def _worth_showing(problems: list[Problem]) -> list[Problem]:
    ordered = sorted(set(problems), key=lambda p: (p.at is None, p.at or Position(""), p.what, p.fix or ""))
    if len(ordered) <= MOST_PROBLEMS:
        return ordered
    more = len(ordered) - MOST_PROBLEMS
    least = "at least " if len(problems) >= MOST_COUNTED else ""
    return [*ordered[:MOST_PROBLEMS], Problem(f"and {least}{more:,} more problems")]
