"""A folder of YAML files as one intent, with every problem reported at once."""

from __future__ import annotations

import difflib
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from situs.intent.reader import Document, read_file, read_text
from situs.intent.references import check_references
from situs.model.error import InputError, Position, Problem
from situs.model.intent import Intent

Path_ = tuple[str | int, ...]

MAPPINGS = ("sites", "locations", "datasets", "workloads", "use_cases", "rules", "settings")
SECTIONS = (*MAPPINGS, "links")
MOST_PROBLEMS = 100
"""Whoever has more mistakes than this has one mistake a hundred times."""


@dataclass(frozen=True)
class Loaded:
    """An intent and where everything in it stands."""

    intent: Intent
    positions: Mapping[Path_, Position]


def load(path: Path) -> Loaded:
    """All ``*.yaml`` and ``*.yml`` under a folder (or one file) as one intent.

    Raises InputError with every problem found: file, line, column, the value, and the likely fix.
    """
    documents: list[Document] = []
    problems: list[Problem] = []
    for file in _yaml_files(path):
        try:
            documents.extend(read_file(file))
        except InputError as error:
            problems.extend(error.problems)
    return _built(documents, problems)


def loads(text: str, name: str = "<text>") -> Loaded:
    """One text as an intent."""
    return _built(read_text(text, name), [])


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
    "countries", "certificates",
}  # fmt: skip


def _sets_sorted(value: Any, key: str = "") -> Any:
    """Sets come out of a dump in any order; lists of plain values under their names are sorted."""
    if isinstance(value, dict):
        return {k: _sets_sorted(v, k) for k, v in value.items()}
    if isinstance(value, list):
        items = [_sets_sorted(item) for item in value]
        return sorted(items) if key in UNORDERED and all(isinstance(item, str) for item in items) else items
    return value


def _yaml_files(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
        return
    if not path.is_dir():
        raise InputError(
            f"there is no estate at {path}; give a folder with YAML files, or make one with `situs init`"
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
        raise InputError(f"there are no YAML files under {path}; `situs init` makes a first one")


def _built(documents: list[Document], problems: list[Problem]) -> Loaded:
    merged, where, more = _merged(documents)
    problems = [*problems, *more]
    try:
        intent = Intent.model_validate(merged)
    except ValidationError as error:
        problems.extend(_problem(item, merged, where) for item in error.errors(include_url=False))
        raise InputError(_worth_showing(problems)) from None
    problems.extend(check_references(intent, lambda path: _nearest(where, path)))
    if problems:
        raise InputError(_worth_showing(problems))
    return Loaded(intent, where)


def _worth_showing(problems: list[Problem]) -> list[Problem]:
    ordered = sorted(set(problems), key=lambda p: (p.at is None, p.at or Position(""), p.what))
    if len(ordered) <= MOST_PROBLEMS:
        return ordered
    return [*ordered[:MOST_PROBLEMS], Problem(f"and {len(ordered) - MOST_PROBLEMS} more problems")]


def _merged(documents: list[Document]) -> tuple[dict[str, Any], dict[Path_, Position], list[Problem]]:
    merged: dict[str, Any] = {"links": []}
    where: dict[Path_, Position] = {}
    problems: list[Problem] = []
    for document in documents:
        value = document.value
        if value is None:
            continue
        if not isinstance(value, dict):
            problems.append(
                Problem(
                    "a document must be a mapping of sections",
                    document.where[()],
                    f"begin with one of {', '.join(SECTIONS)}",
                )
            )
            continue
        for section, content in value.items():
            at = document.where[section,]
            if section not in SECTIONS:
                problems.append(
                    Problem(f"there is no section {section!r}", at, _did_you_mean(section, SECTIONS))
                )
            elif section == "links":
                if not isinstance(content, list):
                    problems.append(Problem("links must be a list", at, "begin each link with '- from: ...'"))
                    continue
                _copy_positions(document, (section,), where, (section,), offset=len(merged["links"]))
                merged["links"].extend(content)
            elif content is not None and not isinstance(content, dict):
                problems.append(
                    Problem(
                        f"{section} must be a mapping",
                        at,
                        "write each entry as 'name:' with its fields below",
                    )
                )
            else:
                target = merged.setdefault(section, {})
                for name, entry in (content or {}).items():
                    if name in target:
                        first = where[section, name]
                        problems.append(
                            Problem(
                                f"{section} {name!r} is defined a second time; the first is at {first}",
                                document.where[section, name],
                                "rename one of them",
                            )
                        )
                        continue
                    target[name] = entry
                _copy_positions(document, (section,), where, (section,))
    return merged, where, problems


def _copy_positions(
    document: Document, source: Path_, where: dict[Path_, Position], target: Path_, offset: int = 0
) -> None:
    for path, position in document.where.items():
        if path[: len(source)] == source:
            rest = path[len(source) :]
            if offset and rest and isinstance(rest[0], int):
                rest = (rest[0] + offset, *rest[1:])
            where.setdefault((*target, *rest), position)


def _problem(item: Any, merged: Any, where: Mapping[Path_, Position]) -> Problem:
    """One of pydantic's errors as a sentence at a place."""
    path = tuple(
        part for part in item["loc"] if part not in ("[key]", "on_demand", "spot", "reserved", "owned")
    )
    shown = ".".join(str(part) for part in path)
    kind, message = item["type"], item["msg"].removeprefix("Value error, ")
    fix = None
    if kind == "extra_forbidden":
        fields = _fields_at(path[:-1], merged)
        return Problem(
            f"there is no field {path[-1]!r} in {shown.rpartition('.')[0] or 'this'}",
            _nearest(where, path),
            _did_you_mean(str(path[-1]), fields)
            or (f"known are {', '.join(sorted(fields))}" if fields else None),
        )
    if kind == "missing":
        return Problem(f"{shown} is missing", _nearest(where, path[:-1]), f"add {path[-1]}: ...")
    if kind in ("enum", "literal_error"):
        expected = [
            word.strip(" '")
            for word in str(item.get("ctx", {}).get("expected", "")).replace(" or ", ",").split(",")
        ]
        fix = _did_you_mean(str(item["input"]), expected)
        message = f"{item['input']!r} is not one of {', '.join(expected)}"
    elif kind.startswith("union_tag"):
        message = "basis must be one of on_demand, spot, reserved, owned"
    elif kind == "finite_number" or kind == "float_type":
        message = f"{item['input']!r} is not a number"
    return Problem(f"{shown}: {message}", _nearest(where, path), fix)


def _fields_at(path: Path_, merged: Any) -> list[str]:
    """The fields that the model at a path knows, found by walking the models along it."""
    model: Any = Intent
    for part in path:
        model = _part_type(model, part)
        if model is None:
            return []
    if isinstance(model, type) and issubclass(model, BaseModel):
        return [info.alias or name for name, info in model.model_fields.items()]
    return []


def _part_type(model: Any, part: str | int) -> Any:
    import types
    import typing

    if isinstance(model, type) and issubclass(model, BaseModel):
        by_alias = {info.alias or name: info.annotation for name, info in model.model_fields.items()}
        annotation = by_alias.get(str(part))
    else:
        annotation = model
    while True:
        origin = typing.get_origin(annotation)
        arguments = [a for a in typing.get_args(annotation) if a is not type(None) and a is not Ellipsis]
        if origin is typing.Annotated:
            annotation = arguments[0]
        elif origin in (typing.Union, types.UnionType):
            models = [a for a in arguments if isinstance(a, type) and issubclass(a, BaseModel)]
            annotation = models[0] if models else (arguments[0] if arguments else None)
        else:
            break
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    arguments = [a for a in typing.get_args(annotation) if a is not Ellipsis]
    return arguments[-1] if arguments else None


def _nearest(where: Mapping[Path_, Position], path: Path_) -> Position | None:
    """The position of a path, or of the closest thing around it that has one."""
    while path:
        if path in where:
            return where[path]
        path = path[:-1]
    return None


def _did_you_mean(word: str, known: Any) -> str | None:
    close = difflib.get_close_matches(word, [str(k) for k in known], n=1, cutoff=0.6)
    return f"did you mean {close[0]}?" if close else None
