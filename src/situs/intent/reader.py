"""YAML text to plain values with the position of each, and with limits that hostile files run into.

Only what YAML's core schema knows is understood: no tags, no merge keys, no dates, and ``NO`` is a country
and not a boolean.  Aliases are refused: an estate needs none, and a few nested ones can stand for more
values than there is memory.
"""

from __future__ import annotations

import re
import stat
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)
from yaml.reader import ReaderError

from situs.intent.hints import shortened, strange_letter
from situs.model.error import InputError, Position, Problem

LARGEST_FILE_BYTES = 16 * 2**20
"""An estate of 100,000 workloads is about this large; a table of more comes in as CSV."""
LARGEST_ESTATE_BYTES = 4 * LARGEST_FILE_BYTES
MOST_VALUES = 2_000_000
"""In all files together: about a gigabyte of memory once they are models."""
MOST_DOCUMENTS = 10_000
"""In one file."""
DEEPEST = 40
"""The deepest field of the models is at 9; 40 leaves room and stays far from the recursion limit."""
MOST_SLIPS = 1_000
"""Duplicate and misspelt keys of one file that are kept; nobody reads more."""

_COLUMN_BITS = 25
"""Line and column of a value in one integer: a position costs a few bytes for each of a million values."""


class Marks:
    """Where a mapping or a list stands, and everything in it: integers for plain values, Marks for the rest."""

    __slots__ = ("at", "inside")

    def __init__(self, at: int, inside: Any) -> None:
        self.at = at
        self.inside: dict[str, tuple[int, Any]] | list[Any] = inside
        """of a mapping: for each key the mark of the key and of its value"""

    def nearest(self, path: tuple[str | int, ...]) -> int:
        """The mark of what is at a path, or of the closest thing around it that is there."""
        here: Any = self
        at = self.at
        for part in path:
            inside = here.inside if isinstance(here, Marks) else None
            if isinstance(inside, dict) and part in inside:
                at, here = inside[str(part)]
            elif isinstance(inside, list) and isinstance(part, int) and part < len(inside):
                here = inside[part]
                at = here.at if isinstance(here, Marks) else here
            else:
                break
        return at


@dataclass
class Document:
    """Plain values of one YAML document, where each stands, and the slips that did not stop the reading."""

    file: str
    value: Any
    marks: Marks
    slips: list[Problem] = field(default_factory=list)

    def position(self, *path: str | int) -> Position:
        """Where something stands, or the closest thing around it."""
        return position_of(self.file, self.marks.nearest(path))


def position_of(file: str, mark: int) -> Position:
    """A mark as line and column, both from 1."""
    return Position(file, (mark >> _COLUMN_BITS) + 1, (mark & (1 << _COLUMN_BITS) - 1) + 1)


class Reader:
    """Reads the files of one estate; the limits hold for all of them together."""

    def __init__(self) -> None:
        self._values_left = MOST_VALUES
        self._bytes_left = LARGEST_ESTATE_BYTES

    def file(self, path: Path) -> list[Document]:
        """The documents of a file. Raises InputError with a position for anything that is not plain YAML."""
        name = printable(str(path))
        raw = file_bytes(path, LARGEST_FILE_BYTES, "split it, or import tables with `situs import csv`")
        self._bytes_left -= len(raw)
        if self._bytes_left < 0:
            raise _error(
                name, None, f"the files have more than {LARGEST_ESTATE_BYTES // 2**20} MiB together",
                "point -C at the folder with the estate alone",
            )  # fmt: skip
        return self.text(decoded(raw, name), name)

    def text(self, text: str, name: str) -> list[Document]:
        """The documents of a text; ``name`` stands for the file in positions."""
        builder = _Builder(name, self._values_left)
        try:
            return list(builder.documents(text))
        finally:
            self._values_left = builder.values_left


def read_file(path: Path) -> list[Document]:
    """The documents of one file."""
    return Reader().file(path)


def read_text(text: str, name: str) -> list[Document]:
    """The documents of one text."""
    return Reader().text(text, name)


def file_bytes(path: Path, largest: int, fix: str) -> bytes:
    """What is in a regular file, unless that is more than ``largest`` bytes."""
    name = printable(str(path))
    try:
        about = path.stat()
        # Reading a pipe or a device may wait, or go on, for ever.
        if not stat.S_ISREG(about.st_mode):
            raise _error(name, None, "this is not a regular file")
        if about.st_size <= largest:
            with path.open("rb") as opened:
                raw = opened.read(largest + 1)
            if len(raw) <= largest:
                return raw
    except OSError as error:
        raise _error(name, None, f"the file cannot be read: {error.strerror}") from None
    size = max(about.st_size, largest + 1) / 2**20
    raise _error(name, None, f"the file has {size:,.0f} MiB; at most {largest // 2**20} are read", fix)


def decoded(raw: bytes, name: str) -> str:
    """UTF-8 text, with or without a byte order mark."""
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        column = error.start - (raw.rfind(b"\n", 0, error.start) + 1) + 1
        what = f"the file is not UTF-8 text: byte 0x{raw[error.start]:02X}"
        raise InputError([Problem(what, Position(name, line, column), "save it as UTF-8")]) from None


def printable(text: str) -> str:
    """A file's name as it can be shown on any terminal."""
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)


class _Builder:
    """Builds values from parser events, so that limits hold before anything large is made."""

    def __init__(self, name: str, values_left: int) -> None:
        self._name = name
        self.values_left = values_left
        self._slips: list[Problem] = []

    def documents(self, text: str) -> Iterator[Document]:
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        count = 0
        try:
            events = yaml.parse(text, Loader=loader)
            for event in events:
                if isinstance(event, DocumentStartEvent):
                    count += 1
                    if count > MOST_DOCUMENTS:
                        raise _error(
                            self._name, event.start_mark, f"more than {MOST_DOCUMENTS:,} documents in a file"
                        )
                    root = next(events)
                    if type(root) is SequenceStartEvent:
                        # What is no estate is not read to its end, which may be far.
                        raise _error(
                            self._name,
                            root.start_mark,
                            "a document must be a mapping of sections, not a list",
                            "begin with a section such as sites: or workloads:",
                        )
                    value, marks = self._value(root, events, 0)
                    if not isinstance(marks, Marks):
                        marks = Marks(marks, {})
                    yield Document(self._name, value, marks, self._slips)
                    self._slips = []
        except ReaderError as error:
            raise self._unreadable(text, error) from None
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            raise _error(self._name, mark, f"this is not YAML: {error.problem or error.context}") from None
        except UnicodeEncodeError as error:
            raise _error(
                self._name, None, f"half a character (U+{ord(text[error.start]):04X}) is not text"
            ) from None

    def _unreadable(self, text: str, error: ReaderError) -> InputError:
        code = error.character if isinstance(error.character, int) else ord(str(error.character)[:1] or "\0")
        at = max(text.find(chr(code)), 0)
        line, column = text.count("\n", 0, at) + 1, at - (text.rfind("\n", 0, at) + 1) + 1
        what = f"this is not text: the character U+{code:04X} may not stand in YAML"
        return InputError([Problem(what, Position(self._name, line, column), "remove it")])

    def _value(self, event: Any, events: Iterator[Any], depth: int) -> tuple[Any, Any]:
        """A value, and its mark or Marks."""
        self.values_left -= 1
        if self.values_left < 0:
            raise _error(self._name, event.start_mark, f"more than {MOST_VALUES:,} values are not read")
        kind = type(event)
        if kind is AliasEvent:
            raise _error(self._name, event.start_mark, "aliases (*name) are not read", "write the values out")
        if event.tag is not None and not (kind is ScalarEvent and event.tag == "!"):
            raise _error(
                self._name, event.start_mark, f"the tag {shortened(event.tag, 200)!r} is not read",
                "leave the tag out",
            )  # fmt: skip
        mark = event.start_mark
        at = mark.line << _COLUMN_BITS | mark.column
        if kind is ScalarEvent:
            text = event.value
            if not text.isprintable():
                self._check_controls(event)
            return (text if event.style or event.tag == "!" else plain(text)), at
        if depth >= DEEPEST:
            raise _error(self._name, mark, f"nested more than {DEEPEST} deep")
        if kind is SequenceStartEvent:
            return self._list(at, events, depth + 1)
        return self._mapping(at, events, depth + 1)

    def _list(self, at: int, events: Iterator[Any], depth: int) -> tuple[list[Any], Marks]:
        items: list[Any] = []
        marks: list[Any] = []
        for event in events:
            if type(event) is SequenceEndEvent:
                break
            value, mark = self._value(event, events, depth)
            items.append(value)
            marks.append(mark)
        return items, Marks(at, marks)

    def _mapping(self, at: int, events: Iterator[Any], depth: int) -> tuple[dict[str, Any], Marks]:
        values: dict[str, Any] = {}
        marks: dict[str, tuple[int, Any]] = {}
        for event in events:
            if type(event) is MappingEndEvent:
                break
            mark = event.start_mark
            if type(event) is not ScalarEvent:
                raise _error(self._name, mark, "a key must be a plain word")
            key = event.value
            if key == "<<" and not event.style:
                raise _error(self._name, mark, "merge keys (<<) are not read", "write the values out")
            value, value_marks = self._value(next(events), events, depth)
            if key in values:
                first = position_of(self._name, marks[key][0])
                self._slip(
                    mark, f"{shortened(key, 200)!r} stands here a second time; the first is at {first}",
                    "rename or remove one of them",
                )  # fmt: skip
                continue
            if not (key.isascii() and key.isprintable()):
                self._strange_key(key, mark)
                continue
            values[key] = value
            marks[key] = (mark.line << _COLUMN_BITS | mark.column, value_marks)
        return values, Marks(at, marks)

    def _strange_key(self, key: str, mark: Any) -> None:
        """Names and keys are ASCII; a letter that only looks like one is told by its name."""
        self._slip(
            mark, f"{shortened(key, 200)!r} contains {strange_letter(key)}, which is not an ASCII letter",
            "type the name with plain letters",
        )  # fmt: skip

    def _check_controls(self, event: Any) -> None:
        """Text is shown to people: nothing in it may steer their terminal or turn words around."""
        for letter in event.value:
            unseen = letter not in "\n\t" and unicodedata.category(letter) in ("Cc", "Cs", "Co")
            if unseen or letter in _TURNS:
                what = unicodedata.name(letter, "a control character")
                self._slip(
                    event.start_mark, f"the text contains U+{ord(letter):04X} ({what})",
                    "remove it; it cannot be seen",
                )  # fmt: skip
                return

    def _slip(self, mark: Any, what: str, fix: str) -> None:
        if len(self._slips) < MOST_SLIPS:
            self._slips.append(Problem(what, Position(self._name, mark.line + 1, mark.column + 1), fix))


_INTEGER = re.compile(r"[-+]?[0-9][0-9_]*")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_TURNS = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Marks that make text run the other way than it is stored."""


def plain(text: str) -> Any:
    """A bare word by the core schema: null, true, false, numbers; all else stays text."""
    if text in ("", "~", "null", "Null", "NULL"):
        return None
    if text in ("true", "True", "TRUE"):
        return True
    if text in ("false", "False", "FALSE"):
        return False
    if text[0] not in "+-.0123456789":
        return text
    if len(text) < 20 and _INTEGER.fullmatch(text):
        return int(text.replace("_", ""))
    if len(text) < 40 and _FLOAT.fullmatch(text):
        return float(text)
    return text


def _error(name: str, mark: Any, what: str, fix: str | None = None) -> InputError:
    position = Position(name, mark.line + 1, mark.column + 1) if mark is not None else Position(name)
    return InputError([Problem(what, position, fix)])
