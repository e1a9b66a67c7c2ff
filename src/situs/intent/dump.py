"""An intent as YAML that a person likes to read and that reads back as the same intent.

Only what differs from its default is written, quantities with their units, small things on one line.
"""

from __future__ import annotations

import json
import re
import typing
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from enum import Enum
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from situs.intent.reader import plain
from situs.model.intent import Intent
from situs.model.money import Money
from situs.model.quantity import Unit

WIDTH = 100
"""A mapping or list that fits into so many letters stands on one line."""

ALWAYS = ("basis", "level")
"""The kind of a price tells how to read the rest of it, and nobody should have to look up a label's level."""

Path_ = tuple[str | int, ...]
Notes = Mapping[Path_, Sequence[str]]


class Scalar(str):
    """Text as it stands in YAML, with quotes where it needs them."""


def dump(intent: Intent, notes: Notes | None = None, heading: Sequence[str] = ()) -> str:
    """The intent as YAML. ``notes`` are comments above what stands at a path, ``heading`` above all."""
    writer = _Writer(notes or {})
    lines = [*_comment(heading, ""), *writer.mapping(_fields(intent), "", ())]
    return "\n".join(lines) + "\n" if lines else ""


def _fields(model: BaseModel) -> dict[str, Any]:
    """The fields of a model that differ from their defaults, as scalars, lists and dicts."""
    written: dict[str, Any] = {}
    for name, info in type(model).model_fields.items():
        value = getattr(model, name)
        default = None if info.is_required() else info.get_default(call_default_factory=True)
        if info.is_required() or name in ALWAYS or value != default:
            written[info.alias or name] = _value(value, _unit(info))
    return written


def _unit(info: FieldInfo) -> str:
    """The unit of a field's numbers; empty for those without."""
    metadata = [*info.metadata]
    for part in typing.get_args(info.annotation):
        metadata += getattr(part, "__metadata__", ())
    names = [item.name for item in metadata if isinstance(item, Unit)]
    return "" if not names or names[0] in ("1", "cores") else names[0]


def _value(value: Any, unit: str) -> Any:
    if isinstance(value, Money):
        return scalar(str(value))
    if isinstance(value, BaseModel):
        return _fields(value)
    if isinstance(value, Mapping):
        return {str(key): _value(item, unit) for key, item in value.items()}
    if isinstance(value, frozenset | set):
        return [_value(item, unit) for item in sorted(value)]
    if isinstance(value, tuple | list):
        return [_value(item, unit) for item in value]
    if value is None:
        return Scalar("null")
    if isinstance(value, bool):
        return Scalar("true" if value else "false")
    if isinstance(value, datetime):
        midnight = value.hour == value.minute == value.second == value.microsecond == 0
        return Scalar(f"{value:%Y-%m-%d}" if midnight else value.isoformat().replace("+00:00", "Z"))
    if isinstance(value, float) or (isinstance(value, int) and unit):
        return Scalar(_number(float(value)) + (f" {unit}" if unit in ("months", "days") else unit))
    if isinstance(value, int):
        return Scalar(str(value))
    return scalar(value.value if isinstance(value, Enum) else str(value))


def _number(value: float) -> str:
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)


_PLAIN = re.compile(r"[^\W_](?:[\w ./+()%-]|:(?=\S))*(?<! )")


def scalar(text: str) -> Scalar:
    """A text as YAML: bare where that means the same, else in double quotes."""
    if len(text) < 1000 and text.isprintable() and _PLAIN.fullmatch(text) and plain(text) is text:
        return Scalar(text)
    quoted = json.dumps(text, ensure_ascii=False)
    return Scalar("".join(c if c.isprintable() else f"\\U{ord(c):08x}" for c in quoted))


def _comment(lines: Sequence[str], indent: str) -> Iterator[str]:
    for line in lines:
        shown = "".join(c if c.isprintable() else " " for c in line).rstrip()
        yield f"{indent}# {shown}".rstrip()


class _Writer:
    """Turns scalars, lists and dicts into lines."""

    def __init__(self, notes: Notes) -> None:
        self._notes = notes
        self._noted = {path[:length] for path in notes for length in range(len(path))}
        """everything that has a note somewhere inside"""

    def mapping(self, value: Mapping[str, Any], indent: str, path: Path_) -> Iterator[str]:
        for key, item in value.items():
            here = (*path, key)
            yield from _comment(self._notes.get(here, ()), indent)
            begin = f"{indent}{scalar(key)}:"
            if (line := self._short(item, here, len(begin))) is not None:
                yield f"{begin} {line}"
            elif isinstance(item, dict):
                yield begin
                yield from self.mapping(item, indent + "  ", here)
            else:
                yield begin
                yield from self._items(item, indent + "  ", here)

    def _items(self, items: Sequence[Any], indent: str, path: Path_) -> Iterator[str]:
        for number, item in enumerate(items):
            here = (*path, number)
            yield from _comment(self._notes.get(here, ()), indent)
            if (line := self._short(item, here, len(indent) + 1)) is not None:
                yield f"{indent}- {line}"
            elif isinstance(item, dict):
                lines = list(self.mapping(item, indent + "  ", here))
                # The first field stands beside the dash, unless a comment is above it.
                if lines[0].lstrip().startswith("#"):
                    yield f"{indent}-"
                    yield from lines
                else:
                    yield f"{indent}- {lines[0].lstrip()}"
                    yield from lines[1:]
            else:
                yield f"{indent}-"
                yield from self._items(item, indent + "  ", here)

    def _short(self, value: Any, path: Path_, taken: int) -> str | None:
        """The value on one line; None where it should not stand on one."""
        if isinstance(value, Scalar) or not value:
            return _flow(value)
        sections = len(path) == 1 and path[0] != "settings"
        if sections or path in self._noted or (len(path) == 2 and path[0] in ("sites", "workloads", "rules")):
            return None
        line = _flow(value)
        return line if taken + 1 + len(line) <= WIDTH else None


def _flow(value: Any) -> str:
    if isinstance(value, Scalar):
        return value
    if isinstance(value, dict):
        return "{" + ", ".join(f"{scalar(key)}: {_flow(item)}" for key, item in value.items()) + "}"
    return "[" + ", ".join(_flow(item) for item in value) + "]"
