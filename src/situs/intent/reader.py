"""YAML text to plain values with the position of each, and with limits that hostile files run into.

Only what YAML's core schema knows is understood: no tags, no merge keys, no dates, and ``NO`` is a country
and not a boolean.  Aliases are refused: an estate needs none, and a few nested ones can stand for more
values than there is memory.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from situs.model.error import InputError, Position, Problem

LARGEST_FILE_BYTES = 16 * 2**20
"""An estate of 50,000 workloads is about this large; a table of more comes in as CSV."""
MOST_NODES = 4_000_000
DEEPEST = 40
"""The deepest field of the models is at 9; 40 leaves room and stays far from the recursion limit."""

Where = dict[tuple[str | int, ...], Position]


@dataclass
class Document:
    """Plain values of one YAML document and where each stands."""

    value: Any
    where: Where = field(default_factory=dict)


_INTEGER = re.compile(r"[-+]?[0-9][0-9_]*")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")


def read_file(path: Path) -> list[Document]:
    """The documents of a file. Raises InputError with a position for anything that is not plain YAML."""
    try:
        size = path.stat().st_size
        if size > LARGEST_FILE_BYTES:
            raise _error(
                path.name,
                None,
                f"the file has {size / 2**20:,.0f} MiB; at most {LARGEST_FILE_BYTES // 2**20} are read",
                "split it, or import tables as CSV",
            )
        raw = path.read_bytes()
    except OSError as error:
        raise _error(str(path), None, f"the file cannot be read: {error.strerror}") from None
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise InputError(
            [Problem("the file is not UTF-8 text", Position(str(path), line, 1), "save it as UTF-8")]
        ) from None
    return read_text(text, str(path))


def read_text(text: str, name: str) -> list[Document]:
    """The documents of a text; ``name`` stands for the file in positions."""
    return list(_Builder(name).documents(text))


class _Builder:
    """Builds values from parser events, so that limits hold before anything large is made."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._nodes = 0

    def documents(self, text: str) -> Iterator[Document]:
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        try:
            events = yaml.parse(text, Loader=loader)
            for event in events:
                if isinstance(event, yaml.DocumentStartEvent):
                    document = Document(None)
                    document.value = self._node(next(events), events, document.where, ())
                    yield document
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            raise _error(self._name, mark, f"this is not YAML: {error.problem or error.context}") from None
        except yaml.YAMLError as error:
            raise _error(self._name, None, f"this is not YAML: {str(error).splitlines()[0]}") from None

    def _node(self, event: Any, events: Iterator[Any], where: Where, path: tuple[str | int, ...]) -> Any:
        self._nodes += 1
        if self._nodes > MOST_NODES:
            raise _error(self._name, event.start_mark, f"more than {MOST_NODES:,} values are not read")
        if len(path) > DEEPEST:
            raise _error(self._name, event.start_mark, f"nested more than {DEEPEST} deep")
        if isinstance(event, yaml.AliasEvent):
            raise _error(self._name, event.start_mark, "aliases (*name) are not read", "write the values out")
        if event.tag is not None and not (isinstance(event, yaml.ScalarEvent) and event.tag == "!"):
            raise _error(
                self._name, event.start_mark, f"the tag {event.tag!r} is not read", "leave the tag out"
            )
        where[path] = _position(self._name, event)
        if isinstance(event, yaml.ScalarEvent):
            return event.value if event.style or event.tag == "!" else _plain(event.value)
        if isinstance(event, yaml.SequenceStartEvent):
            items: list[Any] = []
            for item in events:
                if isinstance(item, yaml.SequenceEndEvent):
                    return items
                items.append(self._node(item, events, where, (*path, len(items))))
        return self._mapping(events, where, path)

    def _mapping(self, events: Iterator[Any], where: Where, path: tuple[str | int, ...]) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for key in events:
            if isinstance(key, yaml.MappingEndEvent):
                break
            if not isinstance(key, yaml.ScalarEvent):
                raise _error(self._name, key.start_mark, "a key must be a plain word")
            if key.value == "<<" and not key.style:
                raise _error(
                    self._name, key.start_mark, "merge keys (<<) are not read", "write the values out"
                )
            if key.value in values:
                first = where[(*path, key.value)]
                raise _error(
                    self._name,
                    key.start_mark,
                    f"{key.value!r} stands here a second time; the first is at {first}",
                )
            _check_letters(self._name, key)
            values[key.value] = self._node(next(events), events, where, (*path, key.value))
            where[(*path, key.value)] = _position(self._name, key)
        return values


def _position(name: str, event: Any) -> Position:
    return Position(name, event.start_mark.line + 1, event.start_mark.column + 1)


def _plain(text: str) -> Any:
    """A bare word by the core schema: null, true, false, numbers; all else stays text."""
    if text in ("", "~", "null", "Null", "NULL"):
        return None
    if text in ("true", "True", "TRUE"):
        return True
    if text in ("false", "False", "FALSE"):
        return False
    if _INTEGER.fullmatch(text) and len(text) < 20:
        return int(text.replace("_", ""))
    if _FLOAT.fullmatch(text) and len(text) < 40:
        return float(text)
    return text


def _check_letters(name: str, key: Any) -> None:
    """Names and keys are ASCII; a letter that only looks like one is told by its name."""
    for offset, letter in enumerate(key.value):
        if ord(letter) > 126 or ord(letter) < 32:
            what = unicodedata.name(letter, f"U+{ord(letter):04X}")
            mark = key.start_mark
            raise InputError(
                [
                    Problem(
                        f"{key.value!r} contains {letter!r} ({what}), which is not an ASCII letter",
                        Position(name, mark.line + 1, mark.column + 1 + offset),
                        "type the name with plain letters",
                    )
                ]
            )


def _error(name: str, mark: Any, what: str, fix: str | None = None) -> InputError:
    position = Position(name, mark.line + 1, mark.column + 1) if mark is not None else Position(name)
    return InputError([Problem(what, position, fix)])
