"""An intent in the making: values as they would stand in YAML, with names made sound and remarks kept."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError

from situs.intent.complaints import complaint
from situs.intent.hints import shortened
from situs.intent.importing.result import Imported, Remark
from situs.intent.loader import NAMED
from situs.intent.references import check_references
from situs.model.error import InputError, Position, Problem
from situs.model.intent import Intent

Path_ = tuple[str | int, ...]

MOST_PROBLEMS = 100


class Draft:
    """Collects entries, remarks and problems of one import."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._entries: dict[str, dict[str, dict[str, Any]]] = {section: {} for section in NAMED}
        self._homes: dict[tuple[str, str], Position] = {}
        self._notes: dict[Path_, list[str]] = {}
        self._unmapped: dict[tuple[str, str], list[Position]] = {}
        self._assumed: dict[tuple[str, str], list[Position]] = {}
        self._problems: list[Problem] = []

    def free_name(self, section: str, wished: str) -> str:
        """A sound name like the wished one that nothing else in the section has."""
        base = sound_name(wished) or section.rstrip("s").replace("_", "-")
        name, number = base, 2
        while name in self._entries[section]:
            name, number = f"{base[:120]}-{number}", number + 1
        return name

    def has(self, section: str, name: str) -> bool:
        """Whether there is such an entry already."""
        return name in self._entries[section]

    def add(self, section: str, name: str, entry: dict[str, Any], at: Position) -> None:
        """Take in an entry."""
        self._entries[section][name] = {k: v for k, v in entry.items() if v not in (None, [], {})}
        self._homes[section, name] = at

    def entry(self, section: str, name: str) -> dict[str, Any]:
        """An entry that was added, to change it."""
        return self._entries[section][name]

    def made_by_other(self, dataset: str, workload: str) -> bool:
        """Whether another workload writes the dataset already; data have one maker."""
        return any(
            item["dataset"] == dataset
            for name, entry in self._entries["workloads"].items()
            if name != workload
            for item in entry.get("outputs", ())
        )

    def note(self, path: Path_, text: str) -> None:
        """A comment above what stands at a path."""
        notes = self._notes.setdefault(path, [])
        if text not in notes:
            notes.append(text)

    def unmapped(self, at: Position, what: str, why: str, path: Path_ | None = None) -> None:
        """Something of the source that has no counterpart; ``path`` is where a comment should say so."""
        what = readable(what)
        self._unmapped.setdefault((what, why), []).append(at)
        if path is not None:
            self.note(path, f"not carried over: {what}: {why}")

    def assumed(self, at: Position, what: str, why: str, path: Path_ | None = None) -> None:
        """Something that the source does not tell and situs must know."""
        what = readable(what)
        self._assumed.setdefault((what, why), []).append(at)
        if path is not None:
            self.note(path, f"assumed: {what}: {why}")

    def keep_off_spot(self, entry: dict[str, Any], at: Position, path: Path_) -> None:
        """Give a workload whose source says nothing of machines that are taken away, or of labels, one of its own."""
        entry["label"] = {"level": 0, "obligations": ["no-spot"]}
        why = "level 0 and no spot machines are written; what the work reads has labels of its own"
        self.assumed(at, "label", why, path)

    def problem(self, at: Position, what: str, fix: str | None = None) -> None:
        """Something that is wrong in the source itself."""
        self._problems.append(Problem(what, at, fix))

    def problems(self, problems: Iterable[Problem]) -> None:
        """Several of them."""
        self._problems.extend(problems)

    def finished(self) -> Imported:
        """The result. Raises InputError with all that is wrong in the source."""
        models: dict[str, dict[str, BaseModel]] = {}
        for section, model in NAMED.items():
            models[section] = {}
            for name, entry in self._entries[section].items():
                made = self._model(model, section, name, entry)
                if made is not None:
                    models[section][name] = made
        intent = Intent.model_validate(models)
        if not self._problems:
            homes = self._homes
            self._problems.extend(
                check_references(intent, lambda path: homes.get((str(path[0]), str(path[1]))), self._entries)
            )
        if self._problems:
            raise InputError(_first(self._problems))
        return Imported(self._source, intent, self._notes, _remarks(self._unmapped), _remarks(self._assumed))

    def _model(
        self, model: type[BaseModel], section: str, name: str, entry: Mapping[str, Any]
    ) -> BaseModel | None:
        try:
            return model.model_validate(entry)
        except ValidationError as error:
            for item in error.errors(include_url=False):
                _, what, fix = complaint(item, model, entry, (section, name))
                self._problems.append(Problem(what, self._homes[section, name], fix))
            return None


_GERMAN = {"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue"}


def sound_name(wished: str) -> str:
    """A text as a name: letters without their marks, everything else that is not allowed as a dash."""
    german = "".join(_GERMAN.get(letter, letter) for letter in wished)
    plain = unicodedata.normalize("NFKD", german).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9._-]+", "-", plain)[:128].strip("-._")


def readable(text: str) -> str:
    """A value of the source as it can be shown: one line, not too long, nothing unseen."""
    return shortened("".join(c if c.isprintable() else " " for c in text), 200)


def quantity(draft: Draft, at: Position, field: str, value: object, kind: Any) -> float | None:
    """A quantity of the source in situs' own unit; a problem and None where it is none."""
    try:
        return float(TypeAdapter(kind).validate_python(value))
    except ValidationError as error:
        message = error.errors(include_url=False)[0]["msg"].removeprefix("Value error, ")
        draft.problem(at, shortened(f"{field}: {message}"))
        return None


def _remarks(found: Mapping[tuple[str, str], list[Position]]) -> tuple[Remark, ...]:
    return tuple(Remark(what, why, places[0], len(places)) for (what, why), places in found.items())


def _first(problems: list[Problem]) -> list[Problem]:
    unique = list(dict.fromkeys(problems))
    if len(unique) <= MOST_PROBLEMS:
        return unique
    return [*unique[:MOST_PROBLEMS], Problem(f"and {len(unique) - MOST_PROBLEMS:,} more problems")]
